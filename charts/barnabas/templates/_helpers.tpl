{{- define "barnabas.name" -}}
{{- default "barnabas" .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* "barnabas" for a release whose name has it in it, else "RELEASE-barnabas". */}}
{{- define "barnabas.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "barnabas.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "barnabas.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "barnabas.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "barnabas.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Of the operator's pods. The network policies of brokers know them by app.kubernetes.io/name. */}}
{{- define "barnabas.selector" -}}
app.kubernetes.io/name: barnabas-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "barnabas.labels" -}}
{{ include "barnabas.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: barnabas
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes an image's values and the tag that it has when none is given. */}}
{{- define "barnabas.image" -}}
{{- $name := ternary .image.repository (printf "%s/%s" .image.registry .image.repository) (empty .image.registry) -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .tag .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "barnabas.operatorImage" -}}
{{- include "barnabas.image" (dict "image" .Values.image "tag" .Chart.AppVersion) -}}
{{- end -}}

{{/* What the operator may do with the objects of the namespaces that it looks after. */}}
{{- define "barnabas.rules" -}}
- apiGroups: [barnabas.dev]
  resources: [clusters, topics]
  verbs: [get, list, watch, patch, update]
- apiGroups: [barnabas.dev]
  resources: [clusters/status, topics/status]
  verbs: [get, patch, update]
- apiGroups: [barnabas.dev]
  resources: [clusters/finalizers, topics/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps, persistentvolumeclaims, serviceaccounts, services]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [create, patch]
# Where alone Kubernetes says why it makes no pods of a StatefulSet. Listed while some are missing, never watched.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
{{- end -}}
