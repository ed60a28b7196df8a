package account_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/audit"
)

var errCut = errors.New("the process ended")

// cutting is a store whose process ends after some more writes.
type cutting struct {
	*model.Store
	left int
}

func (c *cutting) cut() error {
	if c.left--; c.left < 0 {
		return errCut
	}
	return nil
}

func (c *cutting) UpdateAccount(ctx context.Context, a model.Account, kinds []string) (bool, error) {
	if err := c.cut(); err != nil {
		return false, err
	}
	return c.Store.UpdateAccount(ctx, a, kinds)
}

func (c *cutting) HoldSecret(ctx context.Context, h model.HeldSecret, lifeMs int64) error {
	if err := c.cut(); err != nil {
		return err
	}
	return c.Store.HoldSecret(ctx, h, lifeMs)
}

func (c *cutting) SwitchSecret(ctx context.Context, s model.SecretSwitch) (bool, error) {
	if err := c.cut(); err != nil {
		return false, err
	}
	return c.Store.SwitchSecret(ctx, s)
}

func (c *cutting) DropSecret(ctx context.Context, appID, role string) (bool, error) {
	if err := c.cut(); err != nil {
		return false, err
	}
	return c.Store.DropSecret(ctx, appID, role)
}

// kept counts the places of each AppSecret of wxa, in use or held.
func (w *world) kept() map[string]int {
	w.t.Helper()
	found := map[string]int{w.current("wxa"): 1}
	rows, _, err := w.store.HeldSecrets(w.t.Context(), []string{"wxa"})
	must(w.t, err)
	for _, row := range rows {
		value, err := w.ring.Open(row.SecretEnc, account.HeldSecretPlace(place, "wxa", row.Role))
		must(w.t, err)
		found[value.Reveal()]++
	}
	return found
}

// Regression: a process that ended between the two writes of a way back had lost
// the AppSecret that was left. Wherever a switch or a way back is cut, the AppSecret
// that is left and the one that is taken are both still there.
func TestCutLosesNoSecret(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		back bool
		act  func(*account.Editor, context.Context, audit.Entry, string, int64) error
	}{
		"switch": {false, (*account.Editor).SwitchSecret},
		"back":   {true, (*account.Editor).RollBackSecret},
	} {
		for writes := range 3 {
			t.Run(fmt.Sprint(name, " after ", writes), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				ctx := t.Context()
				w.create()
				must(t, w.editor.EnterSecret(ctx, annie, "wxa", "good-second"))
				if c.back {
					must(t, w.editor.SwitchSecret(ctx, annie, "wxa", 1))
				}
				ending := *w.editor
				ending.Store = &cutting{w.store, writes}
				err := c.act(&ending, ctx, annie, "wxa", w.view("wxa").Rev)
				if err != nil && !errors.Is(err, errCut) || err == nil && writes == 0 {
					t.Errorf("cut after %d writes: %v", writes, err)
				}
				kept := w.kept()
				if kept["good-first"] == 0 || kept["good-second"] == 0 {
					t.Errorf("cut after %d writes %v are left, want both", writes, kept)
				}
			})
		}
	}
}

// Regression: a switch that somebody else's edit overtook had already put the
// present AppSecret in the place of the one before it.
func TestOvertakenSwitchKeepsTheOneBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.create()
	must(t, w.editor.EnterSecret(ctx, annie, "wxa", "good-second"))
	must(t, w.editor.SwitchSecret(ctx, annie, "wxa", 1))
	must(t, w.editor.EnterSecret(ctx, annie, "wxa", "good-third"))
	late := *w.editor
	late.Store = overtaken{w.store}
	w.wants(late.SwitchSecret(ctx, annie, "wxa", w.view("wxa").Rev), account.ErrOvertaken)
	if kept := w.kept(); len(kept) != 3 || kept["good-first"] != 1 {
		t.Errorf("%v are left, want all three", kept)
	}
}

// overtaken is a store in which somebody edits the account just before a switch.
type overtaken struct{ *model.Store }

func (o overtaken) SwitchSecret(ctx context.Context, s model.SecretSwitch) (bool, error) {
	row, err := o.Account(ctx, s.Account.AppID)
	if err != nil {
		return false, err
	}
	row.Name = "faster"
	if _, err := o.UpdateAccount(ctx, row, s.Kinds); err != nil {
		return false, err
	}
	return o.Store.SwitchSecret(ctx, s)
}
