// Package adminv1 is the admin API: its messages and services, generated from the
// proto files beside it, and the OpenAPI document of its REST shape.
package adminv1

import (
	"bytes"
	_ "embed" // the document is generated beside this file
)

//go:embed openapi.swagger.json
var openAPI []byte

// OpenAPI is the OpenAPI (version 2) document of the REST shape.
func OpenAPI() []byte { return bytes.Clone(openAPI) }
