package model_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
)

func TestFacts(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		f, err := s.Facts(t.Context())
		must(t, err)
		want := map[string]string{"journal_mode": "wal", "synchronous": "2", "quick_check(1)": "ok"}
		if s.Driver() == model.MySQL {
			want = map[string]string{"read_only": "OFF", "max_connections": f.Settings["max_connections"]}
			if f.Settings["max_connections"] == "" || f.Settings["tx_isolation"]+f.Settings["transaction_isolation"] == "" {
				t.Errorf("settings %v", f.Settings)
			}
		}
		for name, value := range want {
			if f.Settings[name] != value {
				t.Errorf("%s is %q, want %q", name, f.Settings[name], value)
			}
		}
		if !strings.Contains(f.Version, ".") {
			t.Errorf("version %q", f.Version)
		}
	})
}

func TestTryWriteChangesNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		must(t, s.InsertAccount(t.Context(), model.Account{AppID: "wxa", SecretEnc: []byte("sealed")}, []string{"access_token"}))
		head, err := s.AuditHead(t.Context())
		must(t, err)
		_, err = s.AddAudit(t.Context(), head, link(head, "ann", "x"))
		must(t, err)
		before, err := s.Tended(t.Context(), "wxa")
		must(t, err)
		must(t, s.TryWrite(t.Context()))
		after, err := s.Tended(t.Context(), "wxa")
		must(t, err)
		if before.Credentials[0].UpdatedMs != after.Credentials[0].UpdatedMs {
			t.Error("the row was changed")
		}
		if entries, err := s.AuditChain(t.Context(), 1, 10); err != nil || len(entries) != 1 {
			t.Errorf("%d audit entries, %v", len(entries), err)
		}
	})
}
