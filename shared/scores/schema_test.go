package scores_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// The schema is what other tools see; a change of it is a change of the product.
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
