package run

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scores"
)

// imageHere replaces an image in the text that is hashed for Twin. It is not UTF-8, so no text contains it.
const imageHere = "\xff"

// identifySample sets the hashes of a sample. Content changes with any byte of the record or its images; it identifies
// samples whose scores can be reused. Twin changes only with the turns and the images; it identifies duplicates. Both
// have 32 hex digits. The hash of an image has 16. fetched has the images, in the sample's order.
func identifySample(rec *scores.Record, sample *dataset.Sample, fetched [][]byte) {
	content, twin := sha256.New(), sha256.New()
	sum := sha256.Sum256(sample.Raw)
	content.Write(sum[:])
	for _, t := range sample.Turns {
		sum := sha256.Sum256([]byte(string(t.Role) + "\n" + strings.Join(t.Pieces(), imageHere)))
		twin.Write(sum[:])
	}
	rec.Images = nil
	for _, data := range fetched {
		sum := images.HashOf(data)
		content.Write(sum[:])
		twin.Write(sum[:])
		rec.Images = append(rec.Images, sum.Short())
	}
	rec.Content, rec.Twin = hex.EncodeToString(content.Sum(nil)[:16]), hex.EncodeToString(twin.Sum(nil)[:16])
	rec.Turns = sample.HumanTurns()
}
