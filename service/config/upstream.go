package config

// WeChat says how Tencent's servers are called.
type WeChat struct {
	// BaseURL is https, or http on loopback; without a slash at the end.
	BaseURL string `toml:"base_url"`
	// FallbackURL is called when BaseURL cannot be reached; "" = none.
	FallbackURL string `toml:"fallback_url"`
	// WeComBaseURL serves accounts of the platform "wecom".
	WeComBaseURL string `toml:"wecom_base_url"`
	// Timeout bounds a whole call, ConnectTimeout its connection.
	Timeout        Duration `toml:"timeout"`
	ConnectTimeout Duration `toml:"connect_timeout"`
}

// Refresh says when credentials are renewed.
type Refresh struct {
	// Scan is a cron spec in UTC: when the keeper looks for what is due.
	Scan string `toml:"scan"`
	// The margins say how long before its end a credential is renewed.
	StableMargin  Duration `toml:"stable_margin"`
	ClassicMargin Duration `toml:"classic_margin"`
	TicketMargin  Duration `toml:"ticket_margin"`
	// Jitter spreads renewals, so that many accounts do not come at once.
	Jitter      Duration `toml:"jitter"`
	MinInterval Duration `toml:"min_interval"`
	// Lease is how long a claim on one renewal holds.
	Lease Duration `toml:"lease"`
	// Probe is how often a token is proved alive, per account.
	Probe       Duration `toml:"probe"`
	Concurrency int      `toml:"concurrency"`
}

// History says how long the past is kept.
type History struct {
	Retention Duration `toml:"retention"`
	// Purge is a cron spec in UTC.
	Purge string `toml:"purge"`
}

// Publish hands renewed values to other programs.
type Publish struct {
	Redis Redis `toml:"redis"`
}
