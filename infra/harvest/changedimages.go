package main

import (
	"context"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
)

// quickCheck is the time for which images are compared before progress is shown.
const quickCheck = time.Second

// rateChanged looks for samples of a scored run whose images are new or have changed since the samples were rated. If
// it finds such samples, it starts the next attempt, which rates these samples again and takes over all other scores.
func (r *result) rateChanged(ctx context.Context, s session, p *localPlan, in input) error {
	start := time.Now()
	announced := time.AfterFunc(quickCheck, func() {
		fmt.Fprintf(s.show.notes(), "harvest: checking the images of %s for changes\n", number(int(p.Samples), "sample"))
	})
	changes, err := p.planner.ChangedImages(ctx, p.Plan, func(samples int64) {
		if time.Since(start) > quickCheck {
			s.show.update("images", samples, p.Samples)
		}
	})
	announced.Stop()
	r.Seconds["images"] = time.Since(start).Seconds()
	if err != nil {
		return fmt.Errorf("checking the images of run %s for changes: %w", r.Run, err)
	}
	if changes.Changed == 0 {
		return nil
	}
	fmt.Fprintf(s.show.notes(), "harvest: %d of %d samples have new or changed images: reading these images, and "+
		"rating the samples whose images have other content; the other %d scores are taken over\n",
		changes.Changed, changes.Samples, changes.Kept)
	status, err := s.api.Retry(ctx, r.Run, api.Retry{ImagesChanged: true})
	if err != nil {
		return err
	}
	r.Run = status.Run
	if err := in.save(p.state, r.Run); err != nil {
		return err
	}
	if err := r.score(ctx, s); err != nil {
		return err
	}
	if same := r.TakenOver - changes.Kept; same > 0 {
		fmt.Fprintf(s.show.notes(), "harvest: %d of %d scores are taken over: %d of the changed samples have image "+
			"files with another modification time but the same content\n", r.TakenOver, r.Samples.In, same)
	}
	return nil
}
