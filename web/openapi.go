package web

import (
	_ "embed" // for openapi.yaml
	"slices"
)

//go:embed openapi/openapi.yaml
var openAPI []byte // never changed

// OpenAPI is the description of the HTTP interface for pages and business
// servers, as YAML.
func OpenAPI() []byte { return slices.Clone(openAPI) }
