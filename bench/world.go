package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	appID  = "wx0123456789abcdef"
	secret = "bench-secret-of-the-simulator"
	// pageURL is what is signed; its encoded form stands in every request.
	pageURL = "https://h5.example.com/article/20260101?id=42&from=singlemessage"
	page    = "/jssdk/config?url=https%3A%2F%2Fh5.example.com%2Farticle%2F20260101%3Fid%3D42%26from%3Dsinglemessage"
)

// The CPUs of the server under test and of the load generator.
const (
	serverCPU = "0"
	loadCPU   = "1"
)

// startSimulator starts a pretended WeChat with one account or more. Tokens of both
// chains are fresh for two hours.
func (b *bench) startSimulator(ctx context.Context, accounts int) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	var config strings.Builder
	fmt.Fprintf(&config, "[simulator]\nenabled = true\nlisten = %q\n", addr)
	for i := range accounts {
		fmt.Fprintf(&config, "[[simulator.account]]\napp_id = %q\nsecret = %q\ndomains = [%q]\n", accountID(i), secret, accountHost(i))
	}
	file, err := b.configFile("simulator", config.String())
	if err != nil {
		return nil, err
	}
	return b.start(ctx, command{name: b.bin + "/wxsign", args: []string{"--config", file, "simulator"}}, addr, "/_sim/ledger")
}

// accountID and accountHost name the accounts; the first is the one that pages ask for.
func accountID(i int) string {
	if i == 0 {
		return appID
	}
	return fmt.Sprintf("wx%016d", i)
}

func accountHost(i int) string {
	if i == 0 {
		return "h5.example.com"
	}
	return fmt.Sprintf("page%d.example.com", i)
}

// configFile writes a file of its own.
func (b *bench) configFile(name, text string) (string, error) {
	file, err := os.CreateTemp(b.dir, name+"-*.toml")
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(text)
	return file.Name(), errors.Join(err, file.Close())
}

// replica is a wxsign to be started.
type replica struct {
	wechat   string // base URL
	database string // lines of the section
	accounts int    // at least 1
	cpu      string // of taskset, "" = any, and then as many threads as Go takes
	path     string // that answers 200 when it is ready, "" = the page's
	extra    string // more of the configuration

	masterKey string // base64; startWxsign sets it
}

// config is what a user has on: allow-list, the rate limit per address (so high that
// one load generator does not reach it), access log, metrics.
func (r replica) config(listen string) string {
	var text strings.Builder
	fmt.Fprintf(&text, `
[server]
listen = %q
rate_per_address = 1000000
burst_per_address = 1000000

[ops]
listen = "127.0.0.1:0"

[wechat]
base_url = %q

[security]
master_key = %q

[database]
%s
%s
`, listen, r.wechat, r.masterKey, r.database, r.extra)
	for i := range max(1, r.accounts) {
		fmt.Fprintf(&text, "[[account]]\napp_id = %q\nname = \"Bench\"\nsecret = %q\ndomains = [%q]\n", accountID(i), secret, accountHost(i))
	}
	return text.String()
}

// startWxsign starts a replica and waits until it is ready.
func (b *bench) startWxsign(ctx context.Context, r replica) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	r.masterKey = b.masterKey
	file, err := b.configFile("wxsign", r.config(addr))
	if err != nil {
		return nil, err
	}
	c := command{name: b.bin + "/wxsign", args: []string{"--config", file}, cpu: r.cpu, dir: b.dir}
	if r.cpu != "" {
		c.env = []string{"GOMAXPROCS=1"}
	}
	p, err := b.start(ctx, c, addr, cmp.Or(r.path, page))
	if err == nil {
		p.config = file
	}
	return p, err
}

// sqlite is a [database] section with a new file, or the same one for the same name.
func (b *bench) sqlite(name string) string {
	return fmt.Sprintf("driver = \"sqlite\"\ndsn = %q", filepath.Join(b.dir, name+".db"))
}

// newDatabase is a [database] section with an empty MariaDB database of its own.
func newDatabase(ctx context.Context, w world) (string, error) {
	name := fmt.Sprintf("bench_%d", time.Now().UnixNano())
	if _, err := w.sql.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		return "", err
	}
	return fmt.Sprintf("driver = \"mysql\"\ndsn = %q", strings.TrimSuffix(w.dsn, "/bench")+"/"+name), nil
}

// databaseName is the one in such a section.
func databaseName(section string) string {
	return strings.TrimSuffix(section[strings.LastIndexByte(section, '/')+1:], `"`)
}
