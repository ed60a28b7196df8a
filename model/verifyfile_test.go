package model_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/model"
)

func TestVerifyFiles(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		ctx := t.Context()
		for _, appID := range []string{"wxa", "wxb"} {
			must(t, s.InsertAccount(ctx, model.Account{AppID: appID, SecretEnc: []byte{1}}, nil))
		}
		file := model.VerifyFile{Name: "MP_verify_Abc123.txt", AppID: "wxa", Body: "Abc123"}
		must(t, s.AddVerifyFile(ctx, file))
		must(t, s.AddVerifyFile(ctx, model.VerifyFile{Name: "MP_verify_abc123.txt", AppID: "wxb", Body: "abc123"})) // case matters
		if err := s.AddVerifyFile(ctx, model.VerifyFile{Name: file.Name, AppID: "wxb"}); !errors.Is(err, model.ErrDuplicate) {
			t.Errorf("the same name for another account: %v", err)
		}
		got, err := s.VerifyFile(ctx, file.Name)
		must(t, err)
		if diff := cmp.Diff(file, got, cmpopts.IgnoreFields(model.VerifyFile{}, "CreatedMs")); diff != "" || got.CreatedMs == 0 {
			t.Errorf("at %d (-want +got):\n%s", got.CreatedMs, diff)
		}
		for appID, want := range map[string]bool{"wxa": true, "wxb": false} {
			if done, err := s.ReplaceVerifyFile(ctx, model.VerifyFile{Name: file.Name, AppID: appID, Body: "new"}); done != want || err != nil {
				t.Errorf("replaced for %s: %v, %v", appID, done, err)
			}
		}
		files, err := s.VerifyFiles(ctx, "wxa")
		must(t, err)
		if len(files) != 1 || files[0].Body != "new" {
			t.Errorf("files of wxa: %+v", files)
		}
		for _, tt := range []struct {
			appID string
			want  bool
		}{{"wxb", false}, {"wxa", true}, {"wxa", false}} {
			if done, err := s.RemoveVerifyFile(ctx, tt.appID, file.Name); done != tt.want || err != nil {
				t.Errorf("removed for %s: %v, %v", tt.appID, done, err)
			}
		}
		if _, err := s.VerifyFile(ctx, file.Name); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("after it was removed: %v", err)
		}
		// An account that is gone takes its files along, rows of it or not.
		must(t, s.AddVerifyFile(ctx, model.VerifyFile{Name: "WW_verify_lost.txt", AppID: "wxgone", Body: "lost"}))
		if _, err := s.VerifyFile(ctx, "WW_verify_lost.txt"); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("of an account that is not there: %v", err)
		}
	})
}
