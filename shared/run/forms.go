package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// formRecords is the number of records of a manifest that are read to recognise its form.
const formRecords = 200

// recognise counts the forms of the first records of a plan.
func (p *Planner) recognise(ctx context.Context, plan *Plan) (forms.Counts, error) {
	counts := forms.Counts{}
	if len(plan.Ranges) == 0 {
		return counts, nil
	}
	check, err := plan.Manifests[plan.Ranges[0].Manifest].Reading.Checker() // it names the form, too
	if err != nil {
		return nil, err
	}
	left := formRecords
	err = eachRecord(ctx, p.texts, plan, 0, check.Check, nil, func(sample *dataset.Sample) error {
		counts.Add(sample)
		if left--; left == 0 {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return counts, nil
}

// unfit returns the error for a selection that cannot be made from a plan. If some of the first records cannot be used,
// the error names them before selection, because they may be the cause. If no record can be used, the error does not
// name selection, because another budget does not help.
func (p *Planner) unfit(ctx context.Context, plan *Plan, selection error) error {
	read, broken, example := int64(0), int64(0), ""
	for r := range plan.Ranges {
		err := EachRecord(ctx, p.texts, plan, r, func(sample *dataset.Sample) error {
			if read == formRecords {
				return errEnough
			}
			read++
			if sample.Problem != nil {
				broken++
				example = cmp.Or(example, fmt.Sprintf("%s: %s", sample.Place, sample.Problem.Reason()))
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			break
		} else if err != nil {
			return err
		}
	}
	switch broken {
	case 0:
		return selection
	case plan.Samples:
		return &RefusedError{Reason: fmt.Sprintf("%s, such as %s", NoneOf(broken, "record", "be used"), example)}
	}
	first := "the first " // records
	if read == plan.Samples {
		first = ""
	}
	return &RefusedError{
		Reason: fmt.Sprintf("%d of %s%d %s cannot be used, such as %s; %v", broken, first, read,
			spelling.Plural(read, "record"), example, selection),
	}
}

// shownRecords is the number of records of a dataset in Survey.Records.
const shownRecords = 3

// A viewSelection picks the records to show: the first record of each form, then the first records of the dataset. It
// skips invalid records.
type viewSelection struct {
	ofForms []*dataset.Sample
	first   []*dataset.Sample
}

func (v *viewSelection) add(s *dataset.Sample) {
	if s.Problem != nil || len(v.ofForms) == shownRecords {
		return
	}
	if !slices.ContainsFunc(v.ofForms, func(other *dataset.Sample) bool { return other.Form == s.Form }) {
		v.ofForms = append(v.ofForms, s)
	} else if len(v.first) < shownRecords {
		v.first = append(v.first, s)
	}
}

// views returns the picked records in the order of the dataset.
func (v *viewSelection) views() []forms.View {
	picked := append(slices.Clone(v.ofForms), v.first[:min(len(v.first), shownRecords-len(v.ofForms))]...)
	slices.SortStableFunc(picked, func(a, b *dataset.Sample) int { return cmp.Compare(a.Place.Element, b.Place.Element) })
	views := []forms.View{}
	for _, s := range picked {
		views = append(views, forms.ViewOf(s))
	}
	return views
}
