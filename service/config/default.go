package config

import (
	"time"

	"github.com/wxsign/wxsign/service/secret"
)

// Default is what holds where nobody says otherwise: values for production, no
// simulator and no account.
func Default() Config {
	return Config{
		Server: Server{
			Listen:          "127.0.0.1:8080",
			ShutdownTimeout: Duration(15 * time.Second),
			RatePerAddress:  100,
			BurstPerAddress: 200,
		},
		Ops:      Ops{Listen: "127.0.0.1:9090"},
		Log:      Log{Level: "info", Format: "text"},
		Database: defaultDatabase(),
		Security: Security{
			SessionIdle:     Duration(30 * time.Minute),
			SessionAbsolute: Duration(12 * time.Hour),
		},
		WeChat:  defaultWeChat(),
		Refresh: defaultRefresh(),
		History: History{Retention: Duration(90 * day), Purge: "30 3 * * *"},
		Publish: Publish{Redis: Redis{
			TokenKey:  "wx:access_token:{app_id}",
			TicketKey: "wx:{kind}_ticket:{app_id}",
		}},
		Alert: defaultAlert(),
		Simulator: Simulator{
			Listen:         "127.0.0.1:8089",
			CredentialLife: Duration(2 * time.Hour),
		},
	}
}

// defaultDatabase has a short connection life so that a failover of the
// database, announced by DNS, is followed.
func defaultDatabase() Database {
	return Database{
		Driver:          DriverSQLite,
		DSN:             secret.New("wxsign.db"),
		MaxOpen:         10,
		MaxIdle:         10,
		ConnMaxLifetime: Duration(3 * time.Minute),
		AutoMigrate:     true,
	}
}

func defaultWeChat() WeChat {
	return WeChat{
		BaseURL:        "https://api.weixin.qq.com",
		WeComBaseURL:   "https://qyapi.weixin.qq.com",
		Timeout:        Duration(8 * time.Second),
		ConnectTimeout: Duration(3 * time.Second),
	}
}

// defaultRefresh stays just inside the last 5 minutes of a stable token,
// because WeChat answers the same token before that.
func defaultRefresh() Refresh {
	return Refresh{
		Scan:          "@every 5s",
		StableMargin:  Duration(290 * time.Second),
		ClassicMargin: Duration(15 * time.Minute),
		TicketMargin:  Duration(290 * time.Second),
		Jitter:        Duration(2 * time.Minute),
		MinInterval:   Duration(30 * time.Second),
		Lease:         Duration(45 * time.Second),
		Probe:         Duration(30 * time.Minute),
		Concurrency:   10,
	}
}

func defaultAlert() Alert {
	return Alert{
		WindowWarning:   50,
		WindowCritical:  20,
		ForceBudgetLow:  5,
		ClockDifference: Duration(5 * time.Second),
		SMTP:            SMTP{Port: 587, TLS: "starttls"},
	}
}

func defaultAccount() Account {
	return Account{
		Platform:  PlatformOfficialAccount,
		TokenMode: TokenModeStable,
		Tickets:   []string{TicketJSAPI},
	}
}
