// Package migrations holds the versioned schema, one folder per dialect.
//
// The two folders have equal file names (a test holds them so). On MySQL a file
// holds one statement: MySQL commits each DDL statement by itself, so a file
// with two could stop half-way. Migrations only add; a replica of the previous
// version must go on working on the new schema.
//
// Instants are BIGINT Unix milliseconds by the database's clock: no time zone
// and no rounding differs between engines.
package migrations

import "embed"

// FS holds mysql/*.sql and sqlite/*.sql.
//
//go:embed mysql/*.sql sqlite/*.sql
var FS embed.FS
