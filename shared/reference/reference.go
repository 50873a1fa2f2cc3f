// Package reference reads what the reference implementation of mmSSR (arXiv 2503.13383, repository
// lyumengyao/mmssr) wrote, a folder of score files and the manifest that was scored, and writes the
// subset that its sampling script, llava/select/mmssr.py, would write. It accepts what that script,
// in Python, accepts; if the script would crash, this package says what to fix, or continues if the
// meaning is clear.
package reference

import (
	"context"
	"fmt"
	"runtime"

	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// Data is a scored manifest of the reference implementation.
type Data struct {
	// Pool holds every item of the manifest, in its order, with its idx as Pool.Index. The
	// capabilities have their score files' names. There are no expected scores and no tie hashes.
	Pool *selection.Pool

	manifest *manifest
}

// Load reads a manifest and the folder of its scores: a file <capability>.jsonl for each capability
// and style.jsonl, all of lines {"idx": …, "pred_response": …} in any order.
//
// With capabilities named, only their files are read, and the pool has them in this order. Without,
// it has those of the default rubric in the rubric's order, whether the files are named after the
// keywords or have the short names that the reference uses ("ocr"), then others by name.
//
// The manifest is a JSON array of objects with the integer idx and the text image_source, the source.
// As in the reference an item without image_source has the source "nan", and one with null "None".
// A rating is what Python's int makes of the answer; other answers, and samples without a line, are
// missing. Ratings beyond ±32,767 count as that. Styles are what stands between the commas of an
// answer, without white space around it, any name, even an empty one.
//
// Errors name the file and the line or item: a file that is missing or unreadable, what is not JSON
// of this form, an idx that appears twice, a line whose idx is not in the manifest.
//
// Memory is about 2 bytes a sample and capability and 60 bytes a sample, and 50 more if the
// manifest's idx do not count up by one. The manifest stays open for Write; Close it after use.
func Load(ctx context.Context, scores, manifest string, capabilities ...string) (*Data, error) {
	capabilities, err := findCapabilities(scores, capabilities)
	if err != nil {
		return nil, err
	}
	build := selection.NewBuilder(capabilities...)
	m, err := openManifest(ctx, manifest, build)
	if err != nil {
		return nil, err
	}
	if err := readScores(ctx, scores, m, build); err != nil {
		m.file.Close()
		return nil, err
	}
	return &Data{Pool: build.Pool, manifest: m}, nil
}

// Close closes the manifest.
func (d *Data) Close() error { return d.manifest.file.Close() }

// readScores reads one file at a time on each processor, each into its columns of the pool.
func readScores(ctx context.Context, folder string, m *manifest, build *selection.Builder) error {
	rows := newRows(m.idx)
	if rows.twice >= 0 {
		return fmt.Errorf("reading manifest %s: item %d has the idx %d of an item before it: "+
			"number the items again and score them again",
			m.name, rows.twice+1, m.idx[rows.twice])
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	group.Go(func() error { return readStyles(ctx, folder, rows, build) }) // first: it is the largest file
	for c, capability := range build.Pool.Capabilities {
		group.Go(func() (err error) {
			build.Pool.Ratings[c], err = readRatings(ctx, folder, capability, rows)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("reading scores: %w", err)
	}
	return nil
}
