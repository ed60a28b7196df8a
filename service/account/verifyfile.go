package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
)

// What people do with verify files, in the audit log; the target is the AppID
// and the file's name.
const (
	AddedVerifyFile   audit.Action = "add_verify_file"
	RemovedVerifyFile audit.Action = "remove_verify_file"
)

var (
	// ErrVerifyFileInvalid says that a name or a body is none that WeChat's
	// console hands out.
	ErrVerifyFileInvalid = errors.New("this is no verification file of WeChat")
	// ErrVerifyFileTaken says that another account has a file of this name.
	ErrVerifyFileTaken = errors.New("another account has a verification file of this name")
)

// VerifyFile is a text that WeChat's console asks for at the root of a domain
// before it takes the domain as a JS interface safe domain (official accounts:
// MP_verify_<code>.txt) or a trusted domain (WeCom: WW_verify_<code>.txt).
type VerifyFile struct {
	Name string // MP_verify_<code>.txt: the path, without the slash
	Body string // exactly what is answered
}

// verifyName and verifyBody are what was observed, with room to grow: the code is
// 16 letters and digits and the file holds the code alone. Nothing in them can be
// read as HTML.
var (
	verifyName = regexp.MustCompile(`^(?:MP|WW)_verify_([A-Za-z0-9]{4,40})\.txt$`)
	verifyBody = regexp.MustCompile(`^[A-Za-z0-9_=+/.-]{1,256}$`)
)

// IsVerifyFileName tells whether a file of this name could be a verify file.
func IsVerifyFileName(name string) bool { return verifyName.MatchString(name) }

// VerifyFileStore is what VerifyFiles needs of the database; *model.Store is one.
type VerifyFileStore interface {
	Account(ctx context.Context, appID string) (model.Account, error)
	VerifyFile(ctx context.Context, name string) (model.VerifyFile, error)
	VerifyFiles(ctx context.Context, appID string) ([]model.VerifyFile, error)
	AddVerifyFile(ctx context.Context, f model.VerifyFile) error
	ReplaceVerifyFile(ctx context.Context, f model.VerifyFile) (bool, error)
	RemoveVerifyFile(ctx context.Context, appID, name string) (bool, error)
}

// VerifyFiles keeps the verify files of all accounts. Accounts of the
// configuration file can have some too: the files are no part of it.
type VerifyFiles struct {
	store VerifyFileStore
	audit *audit.Log
}

// NewVerifyFiles makes VerifyFiles; both parts are required.
func NewVerifyFiles(store VerifyFileStore, log *audit.Log) (*VerifyFiles, error) {
	if store == nil || log == nil {
		return nil, errors.New("verify files: a store and an audit log are needed")
	}
	return &VerifyFiles{store: store, audit: log}, nil
}

// VerifyFiles lists the files of an account by name.
func (v *VerifyFiles) VerifyFiles(ctx context.Context, appID string) ([]VerifyFile, error) {
	rows, err := v.store.VerifyFiles(ctx, appID)
	if err != nil {
		return nil, fmt.Errorf("verify files of %s: %w", appID, err)
	}
	files := make([]VerifyFile, 0, len(rows))
	for _, row := range rows {
		files = append(files, VerifyFile{Name: row.Name, Body: row.Body})
	}
	return files, nil
}

// AddVerifyFile enters a file, or gives a file that the account has another body.
// An empty body means the code in the name, which is what WeChat's files hold;
// blanks and line ends around name and body are dropped. Of by, Actor, Address
// and RequestID are read. Errors: ErrVerifyFileInvalid, ErrVerifyFileTaken,
// model.ErrNotFound for an unknown account, or the store's.
func (v *VerifyFiles) AddVerifyFile(ctx context.Context, by audit.Entry, appID string, file VerifyFile) error {
	file, err := file.checked()
	if err != nil {
		return err
	}
	if _, err := v.store.Account(ctx, appID); err != nil {
		return fmt.Errorf("add a verify file: %w", err)
	}
	if err := v.record(ctx, by, AddedVerifyFile, appID+" "+file.Name); err != nil {
		return err
	}
	row := model.VerifyFile{Name: file.Name, AppID: appID, Body: file.Body}
	err = v.store.AddVerifyFile(ctx, row)
	if !errors.Is(err, model.ErrDuplicate) {
		return err
	}
	replaced, err := v.store.ReplaceVerifyFile(ctx, row)
	if err == nil && !replaced {
		err = fmt.Errorf("%w: %s", ErrVerifyFileTaken, file.Name)
	}
	return err
}

// RemoveVerifyFile takes a file out: model.ErrNotFound where the account has none
// of this name.
func (v *VerifyFiles) RemoveVerifyFile(ctx context.Context, by audit.Entry, appID, name string) error {
	if err := v.record(ctx, by, RemovedVerifyFile, appID+" "+name); err != nil {
		return err
	}
	removed, err := v.store.RemoveVerifyFile(ctx, appID, name)
	if err == nil && !removed {
		err = fmt.Errorf("verify file %s of %s: %w", name, appID, model.ErrNotFound)
	}
	return err
}

// Body is what GET /<name> answers: false for a name that nobody entered, without
// asking the database where no such name can be.
func (v *VerifyFiles) Body(ctx context.Context, name string) (body string, found bool, err error) {
	if !IsVerifyFileName(name) {
		return "", false, nil
	}
	row, err := v.store.VerifyFile(ctx, name)
	if errors.Is(err, model.ErrNotFound) {
		return "", false, nil
	}
	return row.Body, err == nil, err
}

func (v *VerifyFiles) record(ctx context.Context, by audit.Entry, action audit.Action, target string) error {
	by.Action, by.Target = action, target
	return v.audit.Record(ctx, by)
}

// checked is the file as it is kept.
func (f VerifyFile) checked() (VerifyFile, error) {
	f.Name, f.Body = strings.TrimSpace(f.Name), strings.TrimSpace(f.Body)
	match := verifyName.FindStringSubmatch(f.Name)
	if match == nil {
		return f, fmt.Errorf("%w: its name is MP_verify_<code>.txt or WW_verify_<code>.txt, as the console gave it", ErrVerifyFileInvalid)
	}
	if f.Body == "" {
		f.Body = match[1]
	}
	if !verifyBody.MatchString(f.Body) {
		return f, fmt.Errorf("%w: its content is one word of at most 256 letters and digits", ErrVerifyFileInvalid)
	}
	return f, nil
}
