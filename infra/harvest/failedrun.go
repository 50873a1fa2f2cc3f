package main

import (
	"context"

	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// failRun returns a *failure for a run from which nothing is selected. It has the next command for the user.
func (r *result) failRun(ctx context.Context, s session, o order, problem string) (err error) {
	next := "; fix the records, then repeat the command"
	switch code := reason.MostFrequent(r.status.Reasons); code.Subject() {
	case reason.Image:
		next = "; type " + r.command("retry") + " after you have " + imageFix(code)
	case reason.Scorer:
		next = "; type " + r.command("retry") + " to rate these samples again, or choose another model or scorer"
	case reason.Record, reason.Selection:
		if r.input != nil && r.input.Format != "" {
			next = "; leave out --format if the records have another form, else fix the records; then repeat the command"
		}
	}
	if passes := run.Passes(r.Samples); passes != "" {
		next += "; --max-failed " + passes + " allows these failures"
	}
	if o.Out != "" {
		if r.Outputs.Outputs, err = writeRejected(ctx, s.Subsets, r.Run, "", o.Out); err != nil {
			return err
		}
		next += "; " + r.Outputs.Rejected + " lists all failed samples"
	}
	r.Problem = problem + next
	return &failure{r.Problem}
}

// imageFix returns what a user must have done with the images of samples that failed for a reason.
func imageFix(code reason.Code) string {
	switch code {
	case images.NotFound:
		return "added the images"
	case images.Unreadable:
		return "made the images readable"
	case images.NotAllowed:
		return "moved the images to a place that the dataset may read"
	case images.TooLarge, images.TooLargeTogether:
		return "made the images smaller"
	default: // such as an image that is empty, cut short or damaged
		return "replaced the images"
	}
}
