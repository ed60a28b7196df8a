// Package docs carries the documents that the program shows by itself.
package docs

import "embed"

// Handbook has the error handbook: errors.md in English, zh/errors.md in Chinese.
//
//go:embed errors.md zh/errors.md
var Handbook embed.FS
