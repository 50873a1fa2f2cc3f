package main

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/infra/terraform/schema"
)

// types and code are bindings of an invented resource, in the form of the package.
const types = `export interface OrchardTreeConfig extends cdktf.TerraformMetaArguments {
    readonly name: string;
    readonly ages?: number[];
    readonly labels?: {
        [key: string]: string;
    };
    readonly branch: OrchardTreeBranch;
    readonly fruit?: OrchardTreeFruit[] | cdktf.IResolvable;
    readonly timeouts?: OrchardTreeTimeouts;
}
export interface OrchardTreeBranch {
    readonly longestTwig?: boolean | cdktf.IResolvable;
}
export interface OrchardTreeFruit {
    readonly weight: number;
}
export interface OrchardTreeTimeouts {
    readonly create?: string;
}
`

const code = `"use strict";
function orchardTreeBranchToHclTerraform(struct) {
    const attrs = {
        longest_twig: {
            value: cdktf.booleanToHclTerraform(struct.longestTwig),
            isBlock: false,
            type: "simple",
            storageClassType: "boolean",
        },
    };
}
class OrchardTreeBranchOutputReference extends cdktf.ComplexObject {
    get notOfTheTree() {
        return this.getStringAttribute('not_of_the_tree');
    }
}
function orchardTreeFruitToHclTerraform(struct) {
    const attrs = {
        weight: {
            value: cdktf.numberToHclTerraform(struct.weight),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
}
function orchardTreeTimeoutsToHclTerraform(struct) {
    const attrs = {
        create: {
            value: cdktf.stringToHclTerraform(struct.create),
            isBlock: false,
            type: "simple",
            storageClassType: "string",
        },
    };
}
class OrchardTree extends cdktf.TerraformResource {
    constructor(scope, id, config) {
        // height - computed: true, optional: false, required: false
        this._heights = new cdktf.StringMap(this, "heights");
        this._roots = new OrchardTreeRootsList(this, "roots", false);
    }
    get name() {
        return this.getStringAttribute('name');
    }
    get planted() {
        return this.getStringAttribute('planted');
    }
    synthesizeHclAttributes() {
        const attrs = {
            name: {
                value: cdktf.stringToHclTerraform(this._name),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            ages: {
                value: cdktf.listMapperHcl(cdktf.numberToHclTerraform, false)(this._ages),
                isBlock: false,
                type: "list",
                storageClassType: "numberList",
            },
            labels: {
                value: cdktf.hashMapperHcl(cdktf.stringToHclTerraform)(this._labels),
                isBlock: false,
                type: "map",
                storageClassType: "stringMap",
            },
            branch: {
                value: orchardTreeBranchToHclTerraform(this._branch.internalValue),
                isBlock: true,
                type: "list",
                storageClassType: "OrchardTreeBranchList",
            },
            fruit: {
                value: cdktf.listMapperHcl(orchardTreeFruitToHclTerraform, true)(this._fruit.internalValue),
                isBlock: true,
                type: "set",
                storageClassType: "OrchardTreeFruitList",
            },
            timeouts: {
                value: orchardTreeTimeoutsToHclTerraform(this._timeouts.internalValue),
                isBlock: true,
                type: "struct",
                storageClassType: "OrchardTreeTimeouts",
            },
        };
        return attrs;
    }
}
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse(code, types)
	if err != nil {
		t.Fatal(err)
	}
	type attributes = map[string]schema.Attribute
	none := map[string]*schema.Block{}
	want := &schema.Block{
		Attributes: attributes{
			"name":    {Mode: schema.Required, Type: "string"},
			"ages":    {Mode: schema.Optional, Type: "list(number)"},
			"labels":  {Mode: schema.Optional, Type: "map(string)"},
			"planted": {Mode: schema.Computed, Type: "string"},
			"heights": {Mode: schema.Computed, Type: "map(string)"},
			"roots":   {Mode: schema.Computed, Type: "any"},
		},
		Blocks: map[string]*schema.Block{
			"branch": {
				Nesting: "list", Min: 1, Max: 1,
				Attributes: attributes{"longest_twig": {Mode: schema.Optional, Type: "bool"}}, Blocks: none,
			},
			"fruit": {
				Nesting: "set", Attributes: attributes{"weight": {Mode: schema.Required, Type: "number"}}, Blocks: none,
			},
			"timeouts": {
				Nesting: "single", Max: 1, Attributes: attributes{"create": {Mode: schema.Optional, Type: "string"}},
				Blocks: none,
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("block (-want +got):\n%s", diff)
	}
}

// TestParseRefuses checks that bindings of another form are refused: an incomplete schema would accept invalid
// arguments.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ code, types, says string }{
		"no resource":   {code, strings.ReplaceAll(types, "TerraformMetaArguments", "Other"), "ends in Config"},
		"property gone": {code, strings.ReplaceAll(types, "readonly weight:", "readonly mass:"), "fruit: weight"},
		"interface gone": {
			code, strings.ReplaceAll(types, "interface OrchardTreeFruit ", "interface Other "), "OrchardTreeFruit",
		},
		"unknown type": {strings.Replace(code, `"numberList"`, `"complexList"`, 1), types, "complexList"},
		"argument lost": {
			strings.Replace(code, `"boolean",`, `"boolean", more: 1,`, 1), types, "only 0 of the 1 arguments",
		},
		"value of other form": {strings.Replace(code, "(struct.weight)", "(weight)", 1), types, "fruit: weight"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parse(tc.code, tc.types); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want an error that contains %q", err, tc.says)
			}
		})
	}
}

func TestOpenBindings(t *testing.T) {
	t.Parallel()
	bucket := "terraformGeneratorMetadata: {\n  providerName: 'google',\n  providerVersion: '1.2.3',"
	archive := writeArchive(t, map[string]string{
		"package/package.json":                `{"name": "@cdktf/provider-google", "version": "4.5.6", "license": "MPL-2.0"}`,
		"package/lib/storage-bucket/index.js": bucket,
		"package/lib/orchard-tree/index.js":   code, "package/lib/orchard-tree/index.d.ts": types,
		"package/lib/data-google-orchard-tree/index.js": code, "package/lib/data-google-orchard-tree/index.d.ts": types,
	})
	p, err := openBindings(archive)
	if err != nil {
		t.Fatal(err)
	}
	want := schema.Provenance{
		Package: "@cdktf/provider-google@4.5.6", Licence: "MPL-2.0", Provider: "hashicorp/google 1.2.3",
		SHA512: p.provenance.SHA512,
	}
	if diff := cmp.Diff(want, p.provenance); diff != "" || len(p.provenance.SHA512) != 128 {
		t.Errorf("provenance (-want +got):\n%s", diff)
	}
	for _, kind := range []string{"resource", "data"} {
		if b, err := p.block(kind, "google_orchard_tree"); err != nil || b.Blocks["branch"] == nil {
			t.Errorf("%s: %v, %v", kind, b, err)
		}
	}
	if _, err := p.block("resource", "google_orchard_bush"); err == nil ||
		!strings.Contains(err.Error(), "hashicorp/google 1.2.3 has no such resource") {
		t.Errorf("for a resource that is not in the package: %v", err)
	}
}

func writeArchive(t *testing.T, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bindings.tgz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(f)
	archive := tar.NewWriter(zipped)
	for name, text := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{archive, zipped, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
