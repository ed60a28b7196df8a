package paneltest_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/fleet"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
)

// pretendWeChat is what the panel's account pages reach of WeChat: it accepts
// the AppSecrets that begin with "good" and renews as the test wants.
type pretendWeChat struct {
	mu        sync.Mutex
	refreshed []string // app_id, kind, person and reason of each refresh
	result    string
	err       error
}

func (w *pretendWeChat) TestSecret(_ context.Context, _, appID string, appSecret secret.Secret) account.Verdict {
	if strings.HasPrefix(appSecret.Reveal(), "good") {
		return account.Verdict{Accepted: true}
	}
	return account.Verdict{Errcode: 40001, Text: "wechat stable_token for " + appID + ": errcode 40001: invalid credential — WeChat refused the AppSecret."}
}

func (w *pretendWeChat) RefreshNow(_ context.Context, appID, kind, person, reason string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refreshed = append(w.refreshed, strings.Join([]string{appID, kind, person, reason}, "|"))
	return w.result, w.err
}

// answer sets how the next refreshes go.
func (w *pretendWeChat) answer(result string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result, w.err = result, err
}

func (w *pretendWeChat) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refreshed
}

// accountParts are what the account pages stand on.
type accountParts struct {
	store  *model.Store
	editor *account.Editor
	files  *account.VerifyFiles
	fleet  *fleet.Fleet
}

// Budget reads the row as the keeper does.
func (p accountParts) Budget(ctx context.Context, appID string) (keeper.Budget, error) {
	tended, err := p.store.Tended(ctx, appID)
	if err != nil {
		return keeper.Budget{}, keeper.ErrAccountUnknown
	}
	return keeper.Budget{Used: tended.Credential("access_token").ForceCount, Limit: 20, ForMachines: 15, NextAt: time.UnixMilli(tended.NowMs)}, nil
}

func (k *panelKit) newAccounts(entries *audit.Log, log *slog.Logger) accountParts {
	k.t.Helper()
	keys, err := secret.ParseKeys(secret.NewKey())
	k.ok(err)
	k.ring, err = secret.NewKeyring(keys...)
	k.ok(err)
	k.wechat = &pretendWeChat{result: keeper.ResultRenewed}
	parts := accountParts{store: k.store}
	parts.editor, err = account.NewEditor(account.EditorOptions{
		Store: k.store, Sealer: k.ring, Audit: entries, Tester: k.wechat, Refresher: k.wechat,
		SecretPlace: keeper.AppSecretPlace, ValuePlace: keeper.ValuePlace,
	})
	k.ok(err)
	parts.files, err = account.NewVerifyFiles(k.store, entries)
	k.ok(err)
	parts.fleet, err = fleet.New(fleet.Options{Store: k.store, Name: "host/1/0badcafe", Version: "test", Config: "same", Logger: log})
	k.ok(err)
	parts.fleet.Beat(k.t.Context())
	return parts
}
