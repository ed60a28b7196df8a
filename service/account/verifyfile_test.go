package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/audit"
)

func newVerifyFiles(t *testing.T, store *model.Store) *account.VerifyFiles {
	t.Helper()
	log, err := audit.New(store)
	must(t, err)
	files, err := account.NewVerifyFiles(store, log)
	must(t, err)
	return files
}

var ann = audit.Entry{Actor: "ann", Address: "::1", RequestID: "r1"}

func TestVerifyFileIsServedAsEntered(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	must(t, newRegistry(t, store, newRing(t)).RegisterFile(t.Context(), []account.Settings{settings()}))
	files := newVerifyFiles(t, store)
	for _, tt := range []struct {
		name, entered, body, want string
	}{
		{"MP_verify_a1B2c3D4e5F6g7H8.txt", " MP_verify_a1B2c3D4e5F6g7H8.txt\n", "", "a1B2c3D4e5F6g7H8"}, // the code of the name
		{"WW_verify_Zz99.txt", "WW_verify_Zz99.txt", "other-words\r\n", "other-words"},
	} {
		must(t, files.AddVerifyFile(t.Context(), ann, "wxa", account.VerifyFile{Name: tt.entered, Body: tt.body}))
		if body, found, err := files.Body(t.Context(), tt.name); body != tt.want || !found || err != nil {
			t.Errorf("%s: %q, %v, %v", tt.name, body, found, err)
		}
	}
	if _, found, err := files.Body(t.Context(), "WW_verify_x9.y.txt"); found || err != nil {
		t.Errorf("a name that cannot be: %v, %v", found, err)
	}
	// Entered again with other words: those count.
	must(t, files.AddVerifyFile(t.Context(), ann, "wxa", account.VerifyFile{Name: "WW_verify_Zz99.txt"}))
	all, err := files.VerifyFiles(t.Context(), "wxa")
	must(t, err)
	want := []account.VerifyFile{
		{Name: "MP_verify_a1B2c3D4e5F6g7H8.txt", Body: "a1B2c3D4e5F6g7H8"},
		{Name: "WW_verify_Zz99.txt", Body: "Zz99"},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	must(t, files.RemoveVerifyFile(t.Context(), ann, "wxa", "WW_verify_Zz99.txt"))
	if _, found, err := files.Body(t.Context(), "WW_verify_Zz99.txt"); found || err != nil {
		t.Errorf("after it was removed: %v, %v", found, err)
	}
	if err := files.RemoveVerifyFile(t.Context(), ann, "wxa", "WW_verify_Zz99.txt"); !errors.Is(err, model.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestVerifyFileIsRefused(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	other := settings()
	other.AppID = "wxb"
	must(t, newRegistry(t, store, newRing(t)).RegisterFile(t.Context(), []account.Settings{settings(), other}))
	files := newVerifyFiles(t, store)
	must(t, files.AddVerifyFile(t.Context(), ann, "wxb", account.VerifyFile{Name: "MP_verify_taken.txt"}))
	for _, tt := range []struct {
		name, appID string
		file        account.VerifyFile
		want        error
	}{
		{"of another account", "wxa", account.VerifyFile{Name: "MP_verify_taken.txt"}, account.ErrVerifyFileTaken},
		{"unknown account", "wxnobody", account.VerifyFile{Name: "MP_verify_code.txt"}, model.ErrNotFound},
		{"no name", "wxa", account.VerifyFile{}, account.ErrVerifyFileInvalid},
		{"a page", "wxa", account.VerifyFile{Name: "index.html"}, account.ErrVerifyFileInvalid},
		{"a path", "wxa", account.VerifyFile{Name: "MP_verify_../../x.txt"}, account.ErrVerifyFileInvalid},
		{"another kind", "wxa", account.VerifyFile{Name: "XX_verify_code.txt"}, account.ErrVerifyFileInvalid},
		{"HTML inside", "wxa", account.VerifyFile{Name: "MP_verify_code.txt", Body: "<script>"}, account.ErrVerifyFileInvalid},
		{"two words", "wxa", account.VerifyFile{Name: "MP_verify_code.txt", Body: "a b"}, account.ErrVerifyFileInvalid},
		{"too long", "wxa", account.VerifyFile{Name: "MP_verify_code.txt", Body: strings.Repeat("a", 257)}, account.ErrVerifyFileInvalid},
	} {
		if err := files.AddVerifyFile(t.Context(), ann, tt.appID, tt.file); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if body, _, err := files.Body(t.Context(), "MP_verify_taken.txt"); body != "taken" || err != nil {
		t.Errorf("the other account's file: %q, %v", body, err)
	}
}

func FuzzVerifyFileName(f *testing.F) {
	for _, seed := range []string{"MP_verify_a1B2.txt", "WW_verify_.txt", "MP_verify_a%2f.txt", "mp_verify_abcd.txt", "MP_verify_abcd.txt\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if account.IsVerifyFileName(name) && strings.ContainsFunc(name, func(r rune) bool {
			return !strings.ContainsRune("_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
		}) {
			t.Errorf("%q is taken for a file name", name)
		}
	})
}
