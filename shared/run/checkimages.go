package run

import (
	"context"
	"errors"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
)

const (
	// checkedNames is the largest number of image names that are looked up. They come from at most checkedRanges ranges,
	// which are spread over the dataset.
	checkedNames  = 200
	checkedRanges = 8
	// checkedRecords is the largest number of records that are read in each of these ranges.
	checkedRecords = 200
)

// errEnough ends the reading of a range.
var errEnough = errors.New("enough records")

// An ImageCheck is the result of looking up the images of some samples.
type ImageCheck struct {
	images.NamesReport
	Samples int64 // number of samples that were checked
	Named   int64 // number of these samples that name images
}

// CheckImages looks up some images of a planned dataset, without reading them, so that a wrong folder is found before
// samples are scored.
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
