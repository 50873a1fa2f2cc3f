package run

import (
	"context"
	"errors"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
)

const (
	// checkedNames is how many image names are looked for, checkedRanges in how many ranges, spread over the dataset.
	checkedNames  = 200
	checkedRanges = 8
	// checkedRecords is how many records of a range are read for them.
	checkedRecords = 200
)

// errEnough ends the reading of a range.
var errEnough = errors.New("enough records")

// An ImageCheck says how many images of some samples are found.
type ImageCheck struct {
	images.NamesReport
	Samples int64 // how many samples were looked at
	Named   int64 // how many of them name images
}

// CheckImages looks for some images of a planned dataset, without reading them: a wrong folder is noticed before
// anything is scored.
func (p *Planner) CheckImages(ctx context.Context, plan *Plan) (ImageCheck, error) {
	var check ImageCheck
	var names []string
	ranges := min(len(plan.Ranges), checkedRanges)
	for i := range ranges {
		records, most := 0, checkedNames*(i+1)/ranges
		err := EachRecord(ctx, p.texts, plan, i*len(plan.Ranges)/ranges, func(sample *dataset.Sample) error {
			if records++; records > checkedRecords || len(names) >= most {
				return errEnough
			}
			check.Samples++
			if sample.Problem != nil {
				return nil
			}
			before := len(names)
			for _, img := range sample.Images {
				if img.Name != "" && len(names) < most {
					names = append(names, img.Name)
				}
			}
			if len(names) > before {
				check.Named++
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return check, err
		}
	}
	if len(names) == 0 {
		return check, nil
	}
	fetcher, err := p.loader.images(plan)
	if err != nil {
		return check, err
	}
	check.NamesReport, err = fetcher.CheckNames(ctx, names)
	return check, err
}
