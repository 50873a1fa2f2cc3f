package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/table"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
)

const (
	// shownLosses is the maximum number of kinds of losses in a message. shownLossy is the maximum number of records
	// that the message names for each kind.
	shownLosses, shownLossy = 5, 3
	// keptLosses is the maximum number of kinds of losses that are counted separately.
	keptLosses = 100
	// checkedRecords is the number of records of a dataset that are converted as a test before the dataset is scored.
	checkedRecords = 20_000
)

// A loss is a kind of loss of content: records lose content in the same field, for the same reason.
type loss struct {
	text    string // message about the first record
	records int
	ids     []string // ids of the first records
	place   dataset.Place
}

// conversionLosses counts the records that would lose content in another form.
type conversionLosses struct {
	records, lossy int
	excluded       int // number of records that were not checked, because they are excluded
	kinds          []*loss
	byKind         map[string]*loss
}

// numberInPath matches the number of an item in the path of a field.
var numberInPath = regexp.MustCompile(`\[\d+\]`)

// add counts a record. If err is a loss, add counts the loss; otherwise it returns err.
func (l *conversionLosses) add(err error, s *dataset.Sample) error {
	l.records++
	var field, detail string
	lost, isLost := errors.AsType[*forms.LossError](err)
	mixed, isMixed := errors.AsType[*table.FieldError](err)
	switch {
	case isLost:
		field, detail = lost.Field, lost.Detail
	case isMixed:
		field, detail = mixed.Field, mixed.Detail
	default:
		return err
	}
	l.lossy++
	kind := numberInPath.ReplaceAllString(field, "[]") + "\x00" + detail
	known := l.byKind[kind]
	if known == nil {
		if len(l.kinds) == keptLosses {
			return nil
		}
		known = &loss{text: err.Error(), place: s.Place}
		if l.byKind == nil {
			l.byKind = map[string]*loss{}
		}
		l.byKind[kind] = known
		l.kinds = append(l.kinds, known)
	}
	if known.records++; len(known.ids) < shownLossy {
		known.ids = append(known.ids, spelling.Shown(s.ID))
	}
	return nil
}

// String lists the losses, with examples of records.
func (l *conversionLosses) String() string {
	var texts []string
	for i, kind := range l.kinds {
		if i == shownLosses {
			texts = append(texts, fmt.Sprintf("and %d more kinds of losses", len(l.kinds)-i))
			break
		}
		of := fmt.Sprintf("%s, id %s", kind.place, kind.ids[0])
		if kind.records > 1 {
			of = fmt.Sprintf("%d records, ids %s", kind.records, strings.Join(kind.ids, ", "))
			if kind.records > len(kind.ids) {
				of += ", …"
			}
		}
		texts = append(texts, fmt.Sprintf("%s (%s)", kind.text, of))
	}
	return strings.Join(texts, "; ")
}

// A lossyError is the error of a subset whose records would lose content in another form. A retry cannot help.
type lossyError struct {
	folder outputFolder
	losses *conversionLosses
}

// Error returns the number of records, the losses, and the fix.
func (e *lossyError) Error() string {
	instead := "remove the flag"
	if e.folder.trainer != "" {
		instead = "choose another form"
	}
	return fmt.Sprintf("%s: %d of %s in the subset would lose content: %v; %s, or exclude such records with %s",
		e.folder.asked(), e.losses.lossy, number(e.losses.records, "record"), e.losses, instead, e.folder.exclude())
}

// isLoss reports whether an error means that the form cannot hold some content of a record. A retry cannot help.
func isLoss(err error) bool {
	_, lossy := errors.AsType[*lossyError](err)
	return lossy || errors.Is(err, errNoFile)
}

// checkFormat converts the first records of a planned dataset as a test, before anything is scored. It warns if some
// records would lose content. If all records would lose content, no subset can be written, and checkFormat returns an
// error. Excluded records are not in any subset, so they are not converted.
func (p *localPlan) checkFormat(ctx context.Context, format string, exclude []string, show io.Writer) error {
	if format == "" {
		return nil
	}
	losses, err := p.lossesIn(ctx, format, exclude)
	if err != nil || losses.lossy == 0 {
		return err
	}
	first := ""
	if int64(losses.records+losses.excluded) < p.Samples {
		first = "the first "
	}
	asked := outputFolder{format: format}.asked()
	if losses.lossy == losses.records && first == "" {
		return fmt.Errorf("%s: each valid record (%d) would lose content: %v; remove the flag, or change the records",
			asked, losses.records, losses)
	}
	_, err = fmt.Fprintf(show, "harvest: warning: %s: %d of %s%s would lose content: %v; the subset is not written if "+
		"it has such a record, so exclude these records with --exclude\n", asked, losses.lossy, first,
		number(losses.records, "record"), losses)
	return err
}

// lossesIn counts the losses of the first valid records of a planned dataset in a form, without the excluded records.
func (p *localPlan) lossesIn(ctx context.Context, format string, exclude []string) (*conversionLosses, error) {
	losses, excluded := &conversionLosses{}, dataset.NewLookup(exclude)
	columns, rows := table.NewColumns(forms.ImagesField), forms.NewRows(format)
	for r, rng := range p.Ranges {
		reading := p.Manifests[rng.Manifest].Reading
		convert, err := reading.Converter(format)
		if err != nil {
			return nil, err
		}
		err = run.EachRecord(ctx, p.texts(), p.Plan, r, func(s *dataset.Sample) error {
			if losses.records == checkedRecords {
				return errStopped
			}
			if excluded.Add(s.ID) {
				losses.excluded++
				return nil
			}
			if s.Problem != nil {
				return nil
			}
			var names []string
			if containerForms[format] != "" || s.Place.InContainer() {
				names = numbers(len(s.Images))
			}
			record, err := convert(s.Raw, s.Place, names)
			if err == nil {
				err = rows.Add(record)
			}
			if err == nil && format == forms.Parquet {
				err = columns.Add(record)
			}
			return losses.add(err, s)
		})
		if errors.Is(err, errStopped) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return losses, nil
}
