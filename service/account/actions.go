package account

import (
	"context"
	"errors"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
)

// What people do with accounts, in the audit log. The target begins with the
// AppID.
const (
	Created        audit.Action = "create_account"
	Edited         audit.Action = "edit_account"
	Enabled        audit.Action = "enable_account"
	Disabled       audit.Action = "disable_account"
	Deleted        audit.Action = "delete_account"
	EnteredSecret  audit.Action = "enter_secret"
	TestedSecret   audit.Action = "test_secret"
	SwitchedSecret audit.Action = "switch_secret"
	RolledBack     audit.Action = "roll_back_secret"
	DroppedSecret  audit.Action = "drop_secret"
	Refreshed      audit.Action = "refresh"
	Revealed       audit.Action = "reveal"
)

var (
	// ErrUnknown says that there is no such account.
	ErrUnknown = model.ErrNotFound
	// ErrFromFile refuses to edit an account of the configuration file.
	ErrFromFile = errors.New("this account stands in the configuration file and is edited there")
	// ErrTaken says that another account has this AppID.
	ErrTaken = errors.New("another account has this AppID")
	// ErrOvertaken says that somebody else changed the account meanwhile.
	ErrOvertaken = errors.New("somebody else has changed this account meanwhile")
	// ErrEnabled refuses to delete an account that is in use.
	ErrEnabled = errors.New("only a disabled account can be deleted")
	// ErrNoSecret says that no AppSecret is held in this role.
	ErrNoSecret = errors.New("there is no such AppSecret")
	// ErrSameSecret says that an entered AppSecret is the one in use.
	ErrSameSecret = errors.New("this AppSecret is in use already")
	// ErrUntested refuses to switch to an AppSecret that WeChat has not accepted.
	ErrUntested = errors.New("WeChat has not accepted this AppSecret yet")
	// ErrReason asks for the reason of an act that needs one.
	ErrReason = errors.New("a reason is needed")
	// ErrNoValue says that there is no live value to reveal.
	ErrNoValue = errors.New("there is no live value")
	// ErrSealed says that the stored value does not open with any master key.
	ErrSealed = errors.New("the stored value does not open with the master keys of this replica")
)

// record writes down what is about to be done. Of by, Actor, Address and
// RequestID are read.
func (e *Editor) record(ctx context.Context, by audit.Entry, action audit.Action, target string) error {
	by.Action, by.Target = action, target
	return e.audit.Record(ctx, by)
}
