// The official Kubernetes provider of Pulumi, from its Go module.
//
// The module's own main embeds generated files that the module lacks. The schema comes from the module all the same: the
// build embeds it from there (see sandbox/binaries.py).
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, nil)
}
