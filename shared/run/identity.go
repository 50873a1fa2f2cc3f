package run

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores"
)

// identifySample sets what a record says of its sample's content: Content, by which scores are
// taken over, changes with any byte of the record or its images; Twin, by which duplicates are known, only with the
// texts and the images. Both have 32 hex digits, the hash of an image 16.
func identifySample(rec *scores.Record, sample *dataset.Sample, images [][]byte) {
	content, twin := sha256.New(), sha256.New()
	sum := sha256.Sum256(sample.Raw)
	content.Write(sum[:])
	for _, t := range sample.Turns {
		sum := sha256.Sum256([]byte(t.Text))
		twin.Write(sum[:])
	}
	rec.Images = nil
	for _, img := range images {
		sum := sha256.Sum256(img)
		content.Write(sum[:])
		twin.Write(sum[:])
		rec.Images = append(rec.Images, hex.EncodeToString(sum[:8]))
	}
	rec.Content, rec.Twin = hex.EncodeToString(content.Sum(nil)[:16]), hex.EncodeToString(twin.Sum(nil)[:16])
	rec.Tokens = sample.Tokens()
}
