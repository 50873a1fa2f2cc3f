package dataset

import (
	"bytes"
	"slices"
	"testing"
)

// TestShardWriter checks that a shard does not depend on the shards that the same writer wrote before.
func TestShardWriter(t *testing.T) {
	t.Parallel()
	var writer ShardWriter
	for _, name := range []string{"short", "embedded", "short"} {
		for shard := range slices.Chunk(readAll(t, benchManifests()[name], 1<<40, Limits{}), 700) {
			var out bytes.Buffer
			if err := writer.Write(&out, shard[:min(len(shard), 200)]); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), writeShard(t, shard[:min(len(shard), 200)])) {
				t.Fatalf("%s: a shard depends on those that were written before", name)
			}
		}
	}
}
