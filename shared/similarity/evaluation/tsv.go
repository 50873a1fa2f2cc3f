package evaluation

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// readTSV reads a table of VLMEvalKit: a line with the names of columns, then a line for each item. An item's image is
// base64, or the index of an earlier item with the same image.
func (r *reading) readTSV(ctx context.Context) error {
	file := &objectSeeker{ctx: ctx, from: objectSource{r.in, r.object}}
	defer file.Close()
	rows := csv.NewReader(file)
	rows.Comma, rows.LazyQuotes, rows.FieldsPerRecord, rows.ReuseRecord = '\t', true, -1, true
	first, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return r.refuse("the file is empty; its first line must have the names of its columns")
	} else if err != nil {
		return err
	}
	names := make([]string, len(first))
	for i, name := range first {
		names[i] = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
	}
	line, columns, least := 0, len(names), len(names) // of the last row, and the least number of columns before it
	for element := int64(1); ; element++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			if columns < least {
				return r.refuse(fmt.Sprintf("line %d, the last row, has %d of the header's %d columns, so the file is cut "+
					"short; download or write it again", line, columns, len(names)))
			}
			return nil
		} else if err != nil {
			return err
		}
		line, _ = rows.FieldPos(0)
		least, columns = min(least, columns), len(row)
		fields := map[string]any{}
		for i, value := range row[:min(len(row), len(names))] {
			if fields[names[i]] = value; names[i] == "image" {
				fields["image"] = listed(value)
			}
		}
		raw, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		place := dataset.Place{Manifest: path.Base(r.object.Name), Element: element, Line: int64(line)}
		if err := r.add(ctx, parse(raw, place)); err != nil {
			return err
		}
	}
}

// listed returns the images of a cell: the cell's text, or a []any if the text is a list in Python or JSON.
func listed(value string) any {
	inner, list := strings.CutPrefix(strings.TrimSpace(value), "[")
	if !list {
		return value
	}
	var all []any
	for one := range strings.SplitSeq(strings.TrimSuffix(inner, "]"), ",") {
		all = append(all, strings.Trim(one, ` '"`))
	}
	return all
}
