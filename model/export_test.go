package model

import (
	"database/sql"
	"fmt"
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
