package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// failRun returns a *failure for a run from which nothing is selected. It has the next command for the user.
func (r *result) failRun(ctx context.Context, s session, o order, problem string) (err error) {
	next := "; fix the records, then repeat the command"
	switch reason.MostFrequent(r.status.Reasons).Subject() {
	case reason.Image:
		next = "; " + imageFixes(r.status.Reasons) + ", then type " + r.command("retry")
	case reason.Scorer:
		next = "; type " + r.command("retry") + " to rate these samples again, or choose another model or scorer"
	case reason.Record, reason.Selection:
		if r.input != nil && r.input.Format != "" {
			next = "; leave out --format if the records have another form, else fix the records; then repeat the command"
		}
	}
	if passes := run.Passes(r.Samples); !passes.IsZero() {
		next += "; --max-failed " + passes.String() + " allows these failures"
	}
	if o.Out != "" {
		if r.Outputs.Outputs, err = writeRejected(ctx, s, r.Run, "", o.Out, r.prepare(o.Out)); err != nil {
			return err
		}
		next += "; " + r.Outputs.Rejected + " lists all failed samples" + keptNote(o.Out)
	}
	r.Problem = problem + next
	return &failure{r.Problem}
}

// imageFixes returns what the user must do with the images of samples that failed, before retry.
func imageFixes(reasons map[reason.Code]int64) string {
	var fixes []string
	for _, code := range slices.Sorted(maps.Keys(reasons)) {
		if code.Subject() != reason.Image {
			continue
		}
		if fix := imageFix(code); !slices.Contains(fixes, fix) {
			fixes = append(fixes, fix)
		}
	}
	return strings.Join(fixes, ", ")
}

func imageFix(code reason.Code) string {
	switch code {
	case images.NotFound:
		return "add the missing images"
	case images.Unreadable:
		return "make the images readable"
	case images.NotAllowed:
		return "move the images to a place that the dataset may read"
	case images.TooLarge, images.TooLargeTogether:
		return "make the large images smaller"
	default: // such as an image that is empty, cut short or damaged
		return "replace the damaged images"
	}
}
