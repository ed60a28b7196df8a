package model

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"gorm.io/gorm"
)

// Pools are the connection pools behind a store: the writing one, the reading
// one. On MySQL they are the same.
func (s *Store) Pools() (write, read *sql.DB, err error) {
	if write, err = s.write.DB(); err != nil {
		return nil, nil, err
	}
	read, err = s.read.DB()
	return write, read, err
}

// Statement is one that gorm sent.
type Statement struct {
	SQL  string
	Args []any
}

// Watch returns what the store sends from now on, in order, each call what came
// since the last.
func (s *Store) Watch(name string) (since func() []Statement, err error) {
	var mu sync.Mutex
	var seen []Statement
	note := func(db *gorm.DB) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, Statement{db.Statement.SQL.String(), db.Statement.Vars})
	}
	for _, db := range []*gorm.DB{s.read, s.write} {
		if err := db.Callback().Row().After("gorm:row").Register(name, note); err != nil {
			return nil, fmt.Errorf("watch: %w", err)
		}
		if s.read == s.write {
			break
		}
	}
	return func() []Statement {
		mu.Lock()
		defer mu.Unlock()
		statements := seen
		seen = nil
		return statements
	}, nil
}

// ErrCut is what a statement that was cut answers.
var ErrCut = errors.New("cut here")

// Cut makes the statements with a text fail before they are sent, until mend.
func (s *Store) Cut(text string) (mend func() error, err error) {
	const name = "cut"
	err = s.write.Callback().Raw().Before("gorm:raw").Register(name, func(db *gorm.DB) {
		if strings.Contains(db.Statement.SQL.String(), text) {
			_ = db.AddError(ErrCut) // it returns what the statement returns
		}
	})
	return func() error { return s.write.Callback().Raw().Remove(name) }, err
}
