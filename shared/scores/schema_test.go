package scores_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/markdown"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/parquet-go/parquet-go"
)

// Other tools use the schema, so a change of the schema is a change of the product.
func TestSchema(t *testing.T) {
	t.Parallel()
	var picks bytes.Buffer
	if err := writePicks(&picks, nil); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, file := range [][]byte{write(t, capabilities, nil), picks.Bytes()} {
		f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&got, f.Schema())
		fmt.Fprintln(&got, "created_by =", f.Metadata().CreatedBy)
		for _, pair := range f.Metadata().KeyValueMetadata {
			fmt.Fprintln(&got, pair.Key, "=", pair.Value)
		}
		fmt.Fprintln(&got)
	}
	golden(t, "schema.txt", got.Bytes())
}

// TestColumnsPage compares the table of columns on this package's page with the schema. -update writes it.
func TestColumnsPage(t *testing.T) {
	t.Parallel()
	row, err := scores.RowOf([]string{"X"})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[reflect.Type]string{
		reflect.TypeFor[string](): "text", reflect.TypeFor[[]string](): "list of texts", reflect.TypeFor[int32](): "integer",
		reflect.TypeFor[*int8](): "integer or null", reflect.TypeFor[*float32](): "number or null",
	}
	var table strings.Builder
	table.WriteString("| column | type | meaning |\n| --- | --- | --- |\n")
	for _, column := range reflect.VisibleFields(row) {
		name, _, _ := strings.Cut(column.Tag.Get("parquet"), ",")
		meaning := column.Tag.Get("meaning")
		if meaning == "" || kinds[column.Type] == "" {
			t.Errorf("column %s has the meaning %q; its type %v has the name %q", name, meaning, column.Type, kinds[column.Type])
		}
		if capability, found := strings.CutSuffix(name, "_x"); found {
			name = capability + "_<capability>"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", name, kinds[column.Type], meaning)
	}
	markdown.CheckGenerated(t, "README.md", "columns", table.String(), *update)
}
