// Package config reads config.toml and the environment, strictly: an unknown
// key, a wrong type or an impossible value is a Fault, and Load reports all of
// them at once, each with its key, its place and the mend. No fault ever quotes
// a secret.
//
// A value comes from the first of these that has it: the environment
// (WXSIGN_SERVER_LISTEN), the file, Default. A secret written as "file:/path"
// is read from that file. Only the command line reads this package; it copies
// the values into the Options of the packages that need them.
package config

import "github.com/wxsign/wxsign/service/secret"

// Config is everything that can be set. Load returns it checked and complete.
type Config struct {
	Server    Server    `toml:"server"`
	Control   Control   `toml:"control"`
	Admin     Admin     `toml:"admin"`
	Ops       Ops       `toml:"ops"`
	Log       Log       `toml:"log"`
	Database  Database  `toml:"database"`
	Security  Security  `toml:"security"`
	WeChat    WeChat    `toml:"wechat"`
	Refresh   Refresh   `toml:"refresh"`
	History   History   `toml:"history"`
	Publish   Publish   `toml:"publish"`
	Outbound  Outbound  `toml:"outbound"`
	Demo      Demo      `toml:"demo"`
	Alert     Alert     `toml:"alert"`
	Simulator Simulator `toml:"simulator"`
	Webhooks  []Webhook `toml:"webhook"`
	Accounts  []Account `toml:"account"`
}

// Server is the listener that pages reach.
type Server struct {
	// Listen is host:port.
	Listen string `toml:"listen"`
	// TLSCert and TLSKey are paths of PEM files; both or none.
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`
	// PublicURL is how browsers reach this server, without a slash at the end;
	// "" = the address they used.
	PublicURL string `toml:"public_url"`
	// TrustedProxies are CIDRs or addresses whose X-Forwarded-For is believed.
	TrustedProxies  []string `toml:"trusted_proxies"`
	ShutdownTimeout Duration `toml:"shutdown_timeout"`
	// RatePerAddress and RatePerAccount are signing requests a second,
	// BurstPerAddress requests at once; a rate of 0 = no limit.
	RatePerAddress  int `toml:"rate_per_address"`
	BurstPerAddress int `toml:"burst_per_address"`
	RatePerAccount  int `toml:"rate_per_account"`
}

// Control says where the routes for business servers listen.
type Control struct {
	// Listen is host:port; "" = on the server's listener.
	Listen  string `toml:"listen"`
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`
	// Expose accepts that these routes share a listener beyond loopback.
	Expose bool `toml:"expose"`
}

// Admin says where the panel listens.
type Admin struct {
	// Listen is host:port; "" = on the server's listener.
	Listen  string `toml:"listen"`
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`
	// Expose accepts that the panel shares a listener beyond loopback.
	Expose bool `toml:"expose"`
}

// Ops is the listener for /metrics and pprof.
type Ops struct {
	// Listen is host:port; "" = off.
	Listen string `toml:"listen"`
}

// Log goes to stderr, always.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `toml:"level"`
	// Format is text or json.
	Format string `toml:"format"`
}

// Names of the database drivers.
const (
	DriverSQLite = "sqlite"
	DriverMySQL  = "mysql"
)

// Database is where everything is stored.
type Database struct {
	// Driver is DriverSQLite or DriverMySQL.
	Driver string `toml:"driver"`
	// DSN is a path for SQLite and user:password@tcp(host:port)/name for MySQL.
	DSN             secret.Secret `toml:"dsn"`
	MaxOpen         int           `toml:"max_open"`
	MaxIdle         int           `toml:"max_idle"`
	ConnMaxLifetime Duration      `toml:"conn_max_lifetime"`
	AutoMigrate     bool          `toml:"auto_migrate"`
	// SnapshotFile is the path of the sealed local snapshot; "" = none.
	SnapshotFile string `toml:"snapshot_file"`
}

// Security holds the key that seals secrets at rest and the panel's sessions.
type Security struct {
	MasterKey KeySource `toml:"master_key"`
	// CAFile is a PEM file of authorities beside those of the system, for all
	// servers that are called by TLS; "" = none.
	CAFile string `toml:"ca_file"`
	// SessionIdle ends a session that is not used, SessionAbsolute every one.
	SessionIdle     Duration `toml:"session_idle"`
	SessionAbsolute Duration `toml:"session_absolute"`
}
