// wxsign keeps the credentials of WeChat accounts fresh and signs web pages
// with them. See README.md.
package main

import (
	"context"
	_ "embed"
	"os"

	"github.com/wxsign/wxsign/cli"
)

// shippedConfig is config.toml as it stands in the repository; `config new`
// prints its production form.
//
//go:embed config.toml
var shippedConfig string

func main() {
	os.Exit(cli.Run(context.Background(), cli.Env{
		Args:    os.Args[1:],
		Environ: os.Environ(),
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Shipped: shippedConfig,
	}))
}
