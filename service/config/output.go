package config

import "github.com/wxsign/wxsign/service/secret"

// Redis also gets each renewed value, for programs that read it there.
type Redis struct {
	// Address is host:port; "" = off.
	Address  string        `toml:"address"`
	Username string        `toml:"username"`
	Password secret.Secret `toml:"password"`
	DB       int           `toml:"db"`
	// TLS encrypts the connection.
	TLS bool `toml:"tls"`
	// TLSCA is a PEM file of the authorities that may sign the certificate of
	// Redis; "" = those of the system.
	TLSCA string `toml:"tls_ca"`
	// TokenKey and TicketKey are key templates: {app_id} and {kind} are put in.
	TokenKey  string `toml:"token_key"`
	TicketKey string `toml:"ticket_key"`
}

// Outbound says which addresses webhooks and alerts may go to.
type Outbound struct {
	// Allow are networks, addresses and names that may be called although they are
	// not public.
	Allow []string `toml:"allow"`
}

// Webhook is told of events, never of a value.
type Webhook struct {
	URL    string        `toml:"url"`
	Secret secret.Secret `toml:"secret"`
	// Events are the events it is told of; none = all of them.
	Events []string `toml:"events"`
}

// Alert says when people are told of trouble, and how.
type Alert struct {
	// WindowWarning and WindowCritical are percent of the renewal window that
	// are left when an alert is raised.
	WindowWarning  int `toml:"window_warning"`
	WindowCritical int `toml:"window_critical"`
	// ForceBudgetLow is the number of force refreshes left for the day.
	ForceBudgetLow int `toml:"force_budget_low"`
	// ClockDifference is the largest accepted difference to the database clock.
	ClockDifference Duration `toml:"clock_difference"`
	// QuietHours are hours of the day in which warnings wait, as in 22:00-08:00 by
	// this machine's time zone; "" = none. Critical alerts never wait.
	QuietHours string       `toml:"quiet_hours"`
	SMTP       SMTP         `toml:"smtp"`
	Webhook    AlertWebhook `toml:"webhook"`
	WeComRobot WeComRobot   `toml:"wecom_robot"`
}

// SMTP sends alerts by mail.
type SMTP struct {
	// Host is a name or an address; "" = off.
	Host     string        `toml:"host"`
	Port     int           `toml:"port"`
	Username string        `toml:"username"`
	Password secret.Secret `toml:"password"`
	From     string        `toml:"from"`
	To       []string      `toml:"to"`
	// TLS is starttls, tls or none.
	TLS string `toml:"tls"`
}

// AlertWebhook posts alerts to one address.
type AlertWebhook struct {
	// URL is where to; "" = off.
	URL    string        `toml:"url"`
	Secret secret.Secret `toml:"secret"`
}

// WeComRobot posts alerts to a WeCom group.
type WeComRobot struct {
	// URL holds the robot's key and is a secret for that; "" = off.
	URL secret.Secret `toml:"url"`
}
