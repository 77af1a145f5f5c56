package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	provisioner   = "barnabas.test/directory"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
	selectedNode  = "volume.kubernetes.io/selected-node"
	wantedFrom    = "volume.kubernetes.io/storage-provisioner"
	resyncEvery   = 5 * time.Second
)

// Makes directories of this machine into `local` volumes, which, unlike hostPath ones, honour fsGroup and are bound to
// their node. Volumes that were released are deleted if their class says so.
func provisionVolumes() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	root := flag.String("root", "", "directory that holds the volumes")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	client := kubernetes.NewForConfigOrDie(config)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	shared := informers.NewSharedInformerFactory(client, resyncEvery)
	classes := shared.Storage().V1().StorageClasses().Lister()
	onChange(shared.Core().V1().PersistentVolumeClaims().Informer(), func(object any) error {
		claim := object.(*core.PersistentVolumeClaim)
		node := claim.Annotations[selectedNode]
		bound := claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil
		if bound || node == "" || claim.Annotations[wantedFrom] != provisioner {
			return nil
		}
		class, err := classes.Get(*claim.Spec.StorageClassName)
		if err != nil {
			return err
		}
		volume := volumeFor(claim, node, *root)
		volume.Spec.PersistentVolumeReclaimPolicy = *class.ReclaimPolicy
		if err := os.MkdirAll(volume.Spec.Local.Path, 0o755); err != nil {
			return err
		}
		_, err = client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
		if errors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
	onChange(shared.Core().V1().PersistentVolumes().Informer(), func(object any) error {
		volume := object.(*core.PersistentVolume)
		released := volume.Status.Phase == core.VolumeReleased && volume.DeletionTimestamp == nil
		deletes := volume.Spec.PersistentVolumeReclaimPolicy == core.PersistentVolumeReclaimDelete
		if volume.Annotations[provisionedBy] != provisioner || !released || !deletes {
			return nil
		}
		if err := os.RemoveAll(filepath.Join(*root, volume.Name)); err != nil {
			return err
		}
		err := client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
		if errors.IsNotFound(err) {
			return nil
		}
		return err
	})
	shared.Start(ctx.Done())
	shared.WaitForCacheSync(ctx.Done())
	<-ctx.Done()
}

func volumeFor(claim *core.PersistentVolumeClaim, node string, root string) *core.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	onNode := core.NodeSelectorRequirement{Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node}}
	terms := []core.NodeSelectorTerm{{MatchExpressions: []core.NodeSelectorRequirement{onNode}}}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: provisioner}},
		Spec: core.PersistentVolumeSpec{
			StorageClassName:       *claim.Spec.StorageClassName,
			AccessModes:            claim.Spec.AccessModes,
			Capacity:               core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeSource: core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: filepath.Join(root, name)}},
			ClaimRef:               &core.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
			NodeAffinity:           &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: terms}},
		},
	}
}

// What fails is tried again at the next change or resync.
func onChange(informer cache.SharedIndexInformer, act func(object any) error) {
	try := func(object any) {
		if err := act(object); err != nil {
			log.Print(err)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    try,
		UpdateFunc: func(_, object any) { try(object) },
	})
	if err != nil {
		log.Fatal(err)
	}
}
