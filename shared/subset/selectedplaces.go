package subset

import (
	"context"
	"iter"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
)

// SelectedPlaces yields the places of the records of a completed selection in their manifests, in the order of the
// subset. It reads no records. After an error, it yields no more places.
func (r *Reader) SelectedPlaces(ctx context.Context, sel *Selection) iter.Seq2[dataset.Place, error] {
	return func(yield func(dataset.Place, error) bool) {
		plan, err := r.runs.UsablePlan(ctx, sel.Run)
		if err == nil {
			var reasons *scores.Reasons
			if reasons, err = r.reasons(ctx, plan, sel.ID); err == nil {
				err = r.eachSelectedPlace(ctx, plan, reasons, func(place dataset.Place) bool { return yield(place, nil) })
			}
		}
		if err != nil {
			yield(dataset.Place{}, err)
		}
	}
}

// eachSelectedPlace calls use with the place of each selected record, until use returns false.
func (r *Reader) eachSelectedPlace(
	ctx context.Context, plan *run.Plan, reasons *scores.Reasons, use func(dataset.Place) bool,
) error {
	for number, rng := range plan.Ranges {
		report, err := r.runs.RangeReport(ctx, plan.Run, number)
		if err != nil {
			return r.runs.Lost(plan.Run, err)
		}
		index := int(rng.FirstIndex)
		for shard, size := range report.Shards {
			var places []dataset.Place // read at the shard's first selected sample
			for i := range size {
				if reasons.At(index+i) != "" {
					continue
				}
				if places == nil {
					if places, err = r.runs.Places(ctx, plan.Run, report, shard); err != nil {
						return err
					}
				}
				if !use(places[i]) {
					return nil
				}
			}
			index += size
		}
	}
	return nil
}
