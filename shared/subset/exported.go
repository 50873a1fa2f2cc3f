package subset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
)

// An Exported is the outcome of an export that dataset.yaml requests.
type Exported struct {
	For     string `json:"for"`               // the trainer
	Problem string `json:"problem,omitempty"` // why the export cannot be written, and the fix; empty if it was written
	// Announced reports whether the event of the problem was published. A record with Announced follows an equal record
	// without it. So the problem is in the run's status before the event is published. If the process is killed between
	// the two records, the event is published again.
	Announced bool `json:"announced,omitempty"`
}

func exportsPrefix(runID string) string { return run.Folder(runID) + "exports/" }

// exportName returns the name of the n-th outcome of a selection's exports. Only the last outcome is used.
func exportName(runID, id string, n int) string {
	return fmt.Sprintf("%s%s.%06d.json", exportsPrefix(runID), id, n)
}

// IsExported reports whether the outcome now equals the last recorded outcome of a selection's exports.
func IsExported(ctx context.Context, work bucket.Reader, runID, id string, now Exported) (bool, error) {
	last, n, err := lastExported(ctx, work, runID, id)
	return n > 0 && last == now, err
}

// KeepExported records the outcome of a selection's export, unless it equals the last outcome.
func KeepExported(ctx context.Context, work bucket.Bucket, runID, id string, now Exported) error {
	last, n, err := lastExported(ctx, work, runID, id)
	if err != nil || last == now || n == 0 && now.Problem == "" {
		return err
	}
	_, err = bucket.CreateJSON(ctx, work, exportName(runID, id, n), now)
	return err
}

// lastExported returns the last recorded outcome of a selection's exports, and the number of recorded outcomes.
func lastExported(ctx context.Context, work bucket.Reader, runID, id string) (last Exported, n int, err error) {
	name := ""
	for attrs, err := range work.List(ctx, exportsPrefix(runID)+id+".", "") {
		if err != nil {
			return last, 0, err
		}
		name, n = attrs.Name, n+1
	}
	if n > 0 {
		err = bucket.ReadJSON(ctx, work, name, &last)
	}
	return last, n, err
}

// exportProblem returns a text about the exports of a run's selections that cannot be written; empty if there are none.
func (r *Reader) exportProblem(ctx context.Context, runID string) (string, error) {
	var ids, problems []string
	for attrs, err := range r.work.List(ctx, exportsPrefix(runID), "") {
		if err != nil {
			return "", err
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(attrs.Name, exportsPrefix(runID)), ".")
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		last, _, err := lastExported(ctx, r.work, runID, id)
		if errors.Is(err, bucket.ErrNotExist) { // the run is being removed
			continue
		} else if err != nil {
			return "", err
		}
		if last.Problem != "" {
			problems = append(problems, fmt.Sprintf("export of selection %s for %s: %s", id, last.For, last.Problem))
		}
	}
	return strings.Join(problems, "\n"), nil
}
