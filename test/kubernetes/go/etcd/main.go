// etcd alone: the cluster's own store, and the image of those that belong to a Kafka cluster.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
