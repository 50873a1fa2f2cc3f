package bucket_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/buckettest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for kind, open := range map[string]func(*testing.T) bucket.Bucket{
		"folder": func(t *testing.T) bucket.Bucket { return newFolder(t, t.TempDir()) },
		"memory": func(*testing.T) bucket.Bucket { return bucket.NewMemory() },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			buckettest.Conformance(t, open)
		})
	}
}
