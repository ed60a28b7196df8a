package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/secret"
)

// files is a ReadFile over a map; the value "!" stands for a file that the user
// may not read, and "/" for a directory.
func files(contents map[string]string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		switch content, found := contents[path]; {
		case !found:
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		case content == "!":
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
		case content == "/":
			return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrInvalid}
		default:
			return []byte(content), nil
		}
	}
}

func TestFilesWithSecrets(t *testing.T) {
	t.Parallel()
	const account = "[[account]]\napp_id = \"wx1\"\nsecret = "
	read := files(map[string]string{"/run/one": "first", "/run/dsn": "u:p@tcp(127.0.0.1)/w"})
	key := secret.NewKey()
	for name, tt := range map[string]struct {
		text string
		env  []string
		want []string
	}{
		"none": {"[database]\ndsn = \"wxsign.db\"\n", nil, nil},
		"a file, twice": {
			account + "\"file:/run/one\"\n" + strings.Replace(account, "wx1", "wx2", 1) + "\"file:/run/one\"\n", nil,
			[]string{"/run/one"},
		},
		"the configuration itself": {account + "\"first\"\n", nil, []string{"wxsign.toml"}},
		"by the environment":       {account + "\"x\"\n", []string{"WXSIGN_ACCOUNT_0_SECRET=first"}, nil},
		"named by the environment": {
			"",
			[]string{"WXSIGN_DATABASE_DRIVER=mysql", "WXSIGN_DATABASE_DSN=file:/run/dsn", "WXSIGN_SECURITY_MASTER_KEY=" + key},
			[]string{"/run/dsn"},
		},
		"the master key":                  {"[security]\nmaster_key = \"" + key + "\"\n", nil, []string{"wxsign.toml"}},
		"a master key of the environment": {"", []string{"WXSIGN_SECURITY_MASTER_KEY=" + key}, nil},
	} {
		_, report := load(t, config.Source{Path: "wxsign.toml", Text: []byte(tt.text), Env: tt.env, ReadFile: read})
		if diff := cmp.Diff(tt.want, report.SecretFiles); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	source := config.Source{
		Text: []byte("[[account]]\napp_id = \"wx1\"\nsecret = \"file:/run/one\"\n" +
			"[[account]]\napp_id = \"wx2\"\nsecret = \"two\"\n"),
		Env: []string{"WXSIGN_ACCOUNT_1_SECRET=file:/run/two", "WXSIGN_DATABASE_DSN=file:/run/dsn"},
		ReadFile: files(map[string]string{
			"/run/one": "first\n", "/run/two": "second\r\n", "/run/dsn": "/var/lib/wxsign/wxsign.db",
		}),
	}
	cfg, report := load(t, source)
	if got := cfg.Accounts[0].Secret.Reveal(); got != "first" {
		t.Errorf("secret of the file = %q, want first", got)
	}
	if got := cfg.Accounts[1].Secret.Reveal(); got != "second" {
		t.Errorf("secret of the environment = %q, want second", got)
	}
	if got := cfg.Database.DSN.Reveal(); got != "/var/lib/wxsign/wxsign.db" {
		t.Errorf("dsn = %q", got)
	}
	if got := report.Origin("account[1].secret").String(); got != "env WXSIGN_ACCOUNT_1_SECRET, read from /run/two" {
		t.Errorf("origin = %q", got)
	}
}

func TestSecretFilesThatFail(t *testing.T) {
	t.Parallel()
	read := files(map[string]string{"/empty": "\n", "/forbidden": "!", "/dir": "/", "/two-lines": "a\nb\n", "/db": "SQLite format 3\x00\x01"})
	for path, problem := range map[string]string{
		"/absent":    `does not exist: "/absent"`,
		"/forbidden": `may not read: "/forbidden"`,
		"/dir":       `cannot be read: "/dir"`,
		"/empty":     `empty file: "/empty"`,
		"/two-lines": "line breaks",
		"a\nb":       "does not exist: the value",
	} {
		faults := faultsOf(t, config.Source{
			Text: []byte("[[account]]\napp_id = \"wx1\"\n"), ReadFile: read,
			Env: []string{"WXSIGN_ACCOUNT_0_SECRET=file:" + path},
		})
		if len(faults) != 1 || !strings.Contains(faults[0].Problem, problem) || faults[0].Variable != "WXSIGN_ACCOUNT_0_SECRET" {
			t.Errorf("%q: faults %v, want one with %q", path, faults, problem)
		}
	}
	faults := faultsOf(t, config.Source{Text: []byte("database.dsn = \"file:/db\"\n"), ReadFile: read})
	if !strings.Contains(faults.Error(), "the database itself") {
		t.Errorf("a database read as a DSN: %v", faults)
	}
}

func TestMasterKeySources(t *testing.T) {
	t.Parallel()
	const mysql = "database.driver = \"mysql\"\ndatabase.dsn = \"u:p@tcp(h:3306)/d\"\n"
	const simulated = "simulator.enabled = true\n" + aSimulator
	good := secret.NewKey()
	read := files(map[string]string{"/good": good + "\n", "/bad": "x\n", "/forbidden": "!"})
	tests := []struct {
		name, text, env string
		path            string // of the key file, "" = inline
		fault           string
	}{
		{name: "SQLite without a key", path: "wxsign.key"},
		{name: "SQLite elsewhere", text: `database.dsn = "/var/lib/wxsign/main.db?_x=1"`, path: "/var/lib/wxsign/main.key"},
		{name: "SQLite in memory", text: `database.dsn = ":memory:"`, path: "wxsign.key"},
		{name: "a file still to be made", env: "file:/absent", path: "/absent"},
		{name: "a file", env: "file:/good", path: "/good"},
		{name: "a bad file", env: "file:/bad", fault: "line 1 is not"},
		{name: "a forbidden file", env: "file:/forbidden", fault: "may not read"},
		{name: "inline", env: good},
		{name: "two inline", env: good + "\n" + secret.NewKey()},
		{name: "a bad second", env: good + "\nx", fault: "line 2 is not"},
		{name: "MySQL with a file", text: mysql, env: "file:/good", path: "/good"},
		{name: "MySQL without a key", text: mysql, fault: "every replica needs the same key"},
		{name: "MySQL with a missing file", text: mysql, env: "file:/absent", fault: "does not exist"},
		{name: "MySQL and the simulator", text: mysql + simulated, path: "wxsign.key"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := config.Source{Text: []byte(test.text), Env: []string{"WXSIGN_SECURITY_MASTER_KEY=" + test.env}, ReadFile: read}
			if test.fault != "" {
				if faults := faultsOf(t, source); len(faults) != 1 || !strings.Contains(faults.Error(), test.fault) {
					t.Errorf("faults %v, want one with %q", faults, test.fault)
				}
				return
			}
			cfg, _ := load(t, source)
			if got := cfg.MasterKeyFile(); got != test.path {
				t.Errorf("MasterKeyFile = %q, want %q", got, test.path)
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	_, strange := certificate(t)
	read := files(map[string]string{"cert.pem": cert, "key.pem": key, "strange.pem": strange, "forbidden.pem": "!"})
	tests := []struct{ name, cert, key, fault string }{
		{"a pair", "cert.pem", "key.pem", ""},
		{"another key", "cert.pem", "strange.pem", "server.tls_cert and server.tls_key are not a pair"},
		{"swapped", "key.pem", "cert.pem", "are not a pair"},
		{"no certificate", "absent.pem", "key.pem", "server.tls_cert names a file that does not exist"},
		{"a forbidden key", "cert.pem", "forbidden.pem", "server.tls_key names a file that this user may not read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := config.Source{ReadFile: read, Env: []string{"WXSIGN_SERVER_TLS_CERT=" + test.cert, "WXSIGN_SERVER_TLS_KEY=" + test.key}}
			if test.fault == "" {
				load(t, source)
				return
			}
			if faults := faultsOf(t, source); len(faults) != 1 || !strings.Contains(faults.Error(), test.fault) {
				t.Errorf("faults %v, want one with %q", faults, test.fault)
			}
		})
	}
}

// certificate makes a self-signed certificate and its key as PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}
