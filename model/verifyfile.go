package model

import (
	"context"
	"fmt"
)

// VerifyFile is a row of table verify_file: a text by which WeChat's console
// proves who owns a domain. Its name is its path, so a name belongs to one
// account only.
type VerifyFile struct {
	Name      string
	AppID     string
	Body      string
	CreatedMs int64
}

// AddVerifyFile writes a file. ErrDuplicate: the name is there already.
func (s *Store) AddVerifyFile(ctx context.Context, f VerifyFile) error {
	_, err := s.exec(ctx, "write a verify file",
		"INSERT INTO verify_file (name, app_id, body, created_ms) VALUES (@Name, @AppID, @Body, NOWMS)", f)
	return err
}

// ReplaceVerifyFile gives the account's file another body; false where the
// account has no such file.
func (s *Store) ReplaceVerifyFile(ctx context.Context, f VerifyFile) (bool, error) {
	n, err := s.exec(ctx, "replace a verify file", "UPDATE verify_file SET body = @Body WHERE name = @Name AND app_id = @AppID", f)
	return n > 0, err
}

// RemoveVerifyFile deletes the account's file; false where it has no such file.
func (s *Store) RemoveVerifyFile(ctx context.Context, appID, name string) (bool, error) {
	n, err := s.exec(ctx, "delete a verify file", "DELETE FROM verify_file WHERE name = @Name AND app_id = @AppID",
		VerifyFile{Name: name, AppID: appID})
	return n > 0, err
}

// VerifyFiles reads the files of an account by name.
func (s *Store) VerifyFiles(ctx context.Context, appID string) ([]VerifyFile, error) {
	var rows []VerifyFile
	err := s.query(ctx, "SELECT name, app_id, body, created_ms FROM verify_file WHERE app_id = ? ORDER BY name", appID).Scan(&rows).Error
	return rows, wrap("read verify files", err)
}

// VerifyFile reads the file of that name, or ErrNotFound: also where its account
// is gone.
func (s *Store) VerifyFile(ctx context.Context, name string) (VerifyFile, error) {
	var rows []VerifyFile
	err := s.query(ctx, `
SELECT f.name, f.app_id, f.body, f.created_ms
FROM verify_file f JOIN account a ON a.app_id = f.app_id
WHERE f.name = ?`, name).Scan(&rows).Error
	if err != nil {
		return VerifyFile{}, wrap("read a verify file", err)
	}
	if len(rows) == 0 {
		return VerifyFile{}, fmt.Errorf("verify file: %w", ErrNotFound)
	}
	return rows[0], nil
}
