package modeltest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/wxsign/wxsign/model"
)

// providers are where systems put Galera's library.
var providers = [...]string{
	"/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so", "/usr/lib64/galera/libgalera_smm.so",
}

// GaleraCluster is nodes of one cluster on loopback. Every node takes writes.
// Its methods belong on the test's goroutine.
type GaleraCluster struct {
	t     testing.TB
	nodes []*galeraNode
}

// Galera starts a cluster and removes it at the end of the test. It needs the
// package galera-4 besides MariaDB, and a second or two for each node.
func Galera(t testing.TB, nodes int) *GaleraCluster {
	t.Helper()
	return GaleraBy(t, make([]*Clock, nodes)...)
}

// GaleraBy is Galera with a node for each clock; nil is the machine's.
func GaleraBy(t testing.TB, clocks ...*Clock) *GaleraCluster {
	t.Helper()
	c := &GaleraCluster{t: t}
	for i, clock := range clocks {
		n, err := newGaleraNode()
		if err != nil {
			t.Fatalf("node %d of a Galera cluster: %v", i, err)
		}
		n.clock = clock
		c.nodes = append(c.nodes, n)
		t.Cleanup(func() { c.remove(n) })
		if err := n.join(c.running()); err != nil {
			t.Fatalf("node %d of a Galera cluster: %v", i, err)
		}
	}
	return c
}

// Engine makes databases in the cluster. Its tests must end before the
// cluster's own.
func (c *GaleraCluster) Engine() Engine {
	return Engine{Name: "galera", Driver: model.MySQL, Empty: c.database}
}

// database makes an empty database and returns a DSN for each node.
func (c *GaleraCluster) database(t testing.TB) []string {
	t.Helper()
	name := "wxsign_" + strings.ToLower(rand.Text())
	if _, err := createDatabase(c.nodes[0].dsn(), name); err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	dsns := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		dsns[i] = n.dsn() + name
	}
	return dsns
}

// Kill ends a node at once, as a crash would. Where half of the
// nodes or more are gone that way, the others answer errors only.
func (c *GaleraCluster) Kill(node int) { c.end(node, syscall.SIGKILL) }

// Stop takes a node out in order: the others go on, however few they are.
func (c *GaleraCluster) Stop(node int) { c.end(node, syscall.SIGTERM) }

// Isolate parts a node from the others, as a broken network does, or ends that.
// What is left of a majority goes on; the rest answers error 1047 only.
func (c *GaleraCluster) Isolate(node int, apart bool) {
	c.t.Helper()
	value := "0"
	if apart {
		value = "1"
	}
	if err := execute(c.nodes[node].local(), "SET GLOBAL wsrep_provider_options='gmcast.isolate="+value+"'"); err != nil {
		c.t.Fatalf("isolate Galera node %d: %v", node, err)
	}
}

// Bootstrap makes a node that has lost the others a cluster of one: what an
// operator does who knows that they are gone.
func (c *GaleraCluster) Bootstrap(node int) {
	c.t.Helper()
	if err := execute(c.nodes[node].local(), "SET GLOBAL wsrep_provider_options='pc.bootstrap=1'"); err != nil {
		c.t.Fatalf("bootstrap Galera node %d: %v", node, err)
	}
}

// Start brings a stopped or killed node back and waits until it has caught up.
func (c *GaleraCluster) Start(node int) {
	c.t.Helper()
	if c.nodes[node].cmd != nil {
		c.t.Fatalf("start Galera node %d: it runs", node)
	}
	if err := c.nodes[node].join(c.running()); err != nil {
		c.t.Fatalf("start Galera node %d: %v", node, err)
	}
}

func (c *GaleraCluster) running() []*galeraNode {
	var running []*galeraNode
	for _, n := range c.nodes {
		if n.cmd != nil {
			running = append(running, n)
		}
	}
	return running
}

func (c *GaleraCluster) end(node int, signal syscall.Signal) {
	c.t.Helper()
	if c.nodes[node].cmd == nil {
		c.t.Fatalf("stop Galera node %d: it does not run", node)
	}
	if err := c.nodes[node].stop(signal); err != nil {
		c.t.Fatalf("stop Galera node %d: %v", node, err)
	}
}

func (c *GaleraCluster) remove(n *galeraNode) {
	if n.cmd != nil {
		if err := n.stop(syscall.SIGKILL); err != nil {
			c.t.Errorf("stop a Galera node: %v", err)
		}
	}
	if err := n.remove(); err != nil {
		c.t.Errorf("remove a Galera node: %v", err)
	}
}

// galeraNode is a mariadbd with addresses for its brothers.
type galeraNode struct {
	mariadbd
	provider string
	group    int // ports: for the group,
	transfer int // and for what was missed while away
}

// copier copies the data to a node that has none. Debian's programs for that
// are in mariadb-server, which is not needed otherwise and would start a server.
// The two sides talk through the joiner's folder.
const copier = `#!/bin/sh
while [ $# -gt 0 ]; do
	case $1 in
	--role) role=$2 ;;
	--address) address=$2 ;;
	--datadir) data=$2 ;;
	--gtid) gtid=$2 ;;
	--bypass) bypass=yes ;;
	esac
	shift
done
if [ "$role" = donor ]; then
	if [ -z "$bypass" ]; then
		echo "flush tables"
		while [ ! -s "$data/tables_flushed" ]; do sleep 0.05; done
		gtid=$(cat "$data/tables_flushed")
		rm "$data/tables_flushed"
		(cd "$data" && tar -cf - --exclude=./galera.cache --exclude=./grastate.dat --exclude=./gvwstate.dat --exclude=./ibtmp1 .) |
			tar -xf - -C "$address/data" || exit 1
		echo "continue"
	fi
	echo "$gtid" >"$address/position.new" && mv "$address/position.new" "$address/position"
	echo "done $gtid"
	exit
fi
own=${0%/*}
rm -f "$own/position"
echo "ready $own"
while [ ! -e "$own/position" ]; do sleep 0.05; done
cat "$own/position"
`

func newGaleraNode() (*galeraNode, error) {
	binary, err := findMariadbd()
	if err != nil {
		return nil, err
	}
	provider, err := findProvider()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "wxsign-galera-")
	if err != nil {
		return nil, err
	}
	n := &galeraNode{mariadbd: mariadbd{binary: binary, dir: dir}, provider: provider}
	for _, port := range []*int{&n.port, &n.group, &n.transfer} {
		if *port, err = lowPort(); err != nil {
			return nil, errors.Join(err, n.remove())
		}
	}
	err = os.WriteFile(filepath.Join(dir, "wsrep_sst_folder"), []byte(copier), 0o700) //nolint:gosec // a program
	if err = errors.Join(err, n.bootstrap()); err != nil {
		return nil, errors.Join(err, n.remove())
	}
	return n, nil
}

func findProvider() (string, error) {
	for _, path := range providers {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no Galera: run `apt-get install galera-4`")
}

// join starts the node beside those that run; alone, it begins the cluster.
func (n *galeraNode) join(running []*galeraNode) error {
	log, err := os.OpenFile(n.logPath(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	watched, guard, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = watched.Close() }()
	//nolint:noctx // it outlives any one test; stop or its guard ends it
	cmd := exec.Command("sh", n.command(n.galeraArgs(running))...)
	cmd.Env = append(os.Environ(), "PATH="+n.dir+":"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{watched}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, guard.Close())
	}
	n.cmd, n.guard = cmd, guard
	if err := n.waitReady(); err != nil {
		return errors.Join(err, n.stop(syscall.SIGKILL))
	}
	return nil
}

func (n *galeraNode) galeraArgs(running []*galeraNode) []string {
	return n.args(
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(n.port), "--socket="+n.socket(), "--pid-file="+filepath.Join(n.dir, "pid"),
		"--skip-name-resolve", "--skip-grant-tables", "--skip-networking=0", "--binlog-format=ROW",
		"--default-storage-engine=InnoDB", "--innodb-autoinc-lock-mode=2",
		"--wsrep-on=ON", "--wsrep-provider="+n.provider, "--wsrep-cluster-name=wxsign", "--wsrep-cluster-address="+clusterAddress(running),
		"--wsrep-node-address=127.0.0.1:"+strconv.Itoa(n.group), "--wsrep-node-name=node"+strconv.Itoa(n.group),
		"--wsrep-sst-method=folder",
		fmt.Sprintf("--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:%d;ist.recv_addr=127.0.0.1:%d;gcache.size=32M",
			n.group, n.transfer),
	)
}

// clusterAddress names the nodes to ask; none = begin a cluster.
func clusterAddress(running []*galeraNode) string {
	addresses := make([]string, len(running))
	for i, n := range running {
		addresses[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(n.group))
	}
	return "gcomm://" + strings.Join(addresses, ",")
}
