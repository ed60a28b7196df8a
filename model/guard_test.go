package model_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// allowedGorm is all that this package may call on gorm: statements in full
// text. Save writes back every column as it was read, over what another replica
// published meanwhile; Updates leaves out zero values; AutoMigrate races.
var allowedGorm = []string{"WithContext", "Raw", "Exec", "Scan", "DB"}

// ofGorm are the methods of gorm.DB by which rows or tables are written or read.
var ofGorm = []string{
	"AutoMigrate", "Migrator", "Save", "Create", "CreateInBatches", "Update", "Updates", "UpdateColumn", "UpdateColumns",
	"Delete", "First", "FirstOrCreate", "FirstOrInit", "Take", "Last", "Find", "FindInBatches", "Model", "Table", "Where",
	"Clauses", "Transaction", "Begin", "Pluck", "Row", "ScanRows", "Assign", "Attrs", "Omit", "Select",
}

func TestStoreWritesItsOwnSQL(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		for _, call := range gormCalls(t, name, source) {
			if name == "turn.go" && strings.HasSuffix(call, " Transaction") {
				continue // the one place of transactions
			}
			t.Errorf("%s: write the statement out; of gorm only %v", call, allowedGorm)
		}
	}
	if checked < 10 {
		t.Errorf("only %d files were checked", checked)
	}
}

func TestGuardSeesGormCalls(t *testing.T) {
	t.Parallel()
	const source = `package model
func f() {
	s.write.WithContext(ctx).Exec("UPDATE credential …")
	s.write.WithContext(ctx).Save(&credential)
	s.write.Model(&credential).Updates(credential)
	s.read.AutoMigrate(&credential)
	save := s.write.Save
	db.Row()
}`
	if got := gormCalls(t, "f.go", []byte(source)); len(got) != 6 {
		t.Errorf("seen %q, want 6 calls", got)
	}
}

// gormCalls lists where a file touches a method of gorm that is not allowed.
func gormCalls(t *testing.T, name string, source []byte) (calls []string) {
	t.Helper()
	files := gotoken.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(ofGorm, s.Sel.Name) {
			calls = append(calls, files.Position(s.Sel.Pos()).String()+" "+s.Sel.Name)
		}
		return true
	})
	return calls
}
