// The pod network of a node that kind made: tells containerd's plugins which addresses pods of this node have, and the kernel
// by which node those of others are reached.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log"
	"os"
	"os/exec"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	settings  = "/etc/cni/net.d/10-pods.conflist"
	lookEvery = 2 * time.Second
)

func main() {
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	nodes := kubernetes.NewForConfigOrDie(config).CoreV1().Nodes()
	for ; ; time.Sleep(lookEvery) {
		list, err := nodes.List(context.Background(), meta.ListOptions{})
		if err != nil {
			log.Print(err)
			continue
		}
		for _, node := range list.Items {
			if err := reach(&node); err != nil {
				log.Print(node.Name, ": ", err)
			}
		}
	}
}

func reach(node *core.Node) error {
	if node.Spec.PodCIDR == "" {
		return nil
	}
	if node.Name != os.Getenv("NODE_NAME") {
		return run("ip", "route", "replace", node.Spec.PodCIDR, "via", addressOf(node))
	}
	// Without it, what goes to a pod that is gone would leave the machine, and whoever is outside might answer.
	if err := run("ip", "route", "replace", "unreachable", node.Spec.PodCIDR); err != nil {
		return err
	}
	outside := []string{"-s", node.Spec.PodCIDR, "!", "-d", os.Getenv("POD_SUBNET"), "-j", "MASQUERADE"}
	rule := func(verb string) error {
		return run("iptables", append([]string{"--wait", "-t", "nat", verb, "POSTROUTING"}, outside...)...)
	}
	if rule("-C") != nil {
		if err := rule("-A"); err != nil {
			return err
		}
	}
	return writeSettings(node.Spec.PodCIDR)
}

func addressOf(node *core.Node) string {
	for _, each := range node.Status.Addresses {
		if each.Type == core.NodeInternalIP {
			return each.Address
		}
	}
	return ""
}

func writeSettings(pods string) error {
	type object = map[string]any
	wanted, err := json.Marshal(object{
		"cniVersion": "0.3.1",
		"name":       "pods",
		"plugins": []object{
			{"type": "ptp", "ipam": object{
				"type":    "host-local",
				"dataDir": "/run/pod-addresses",
				"routes":  []object{{"dst": "0.0.0.0/0"}},
				"ranges":  [][]object{{{"subnet": pods}}},
			}},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	})
	if err != nil {
		return err
	}
	if has, err := os.ReadFile(settings); err == nil && bytes.Equal(has, wanted) {
		return nil
	}
	if err := os.WriteFile(settings+".new", wanted, 0o644); err != nil {
		return err
	}
	return os.Rename(settings+".new", settings)
}

func run(program string, args ...string) error {
	command := exec.Command(program, args...)
	command.Stderr = os.Stderr
	return command.Run()
}
