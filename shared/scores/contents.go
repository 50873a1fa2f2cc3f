package scores

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/harvest-ml/harvest/shared/similarity"
)

// ReadSimilar reads only the columns for finding similar samples, in the order of the file. A sample that is not OK has
// empty content. Its errors are those of Read.
func ReadSimilar(r io.ReaderAt, size int64) (contents []similarity.Content, err error) {
	defer recoverBad("reading signatures of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, err
	}
	status, failed := statuses.column(f, "status", 0)
	imageStart, hashes, failedHashes := texts.lists(f, "images")
	lookStart, looks, failedLooks := lookType.lists(f, "image_signatures")
	words, failedWords := wordsType.column(f, "text_signature", similarity.Signature{})
	questionStart, questions, failedQuestions := hashType.lists(f, "question_hashes")
	if err := errors.Join(failed, failedHashes, failedLooks, failedWords, failedQuestions); err != nil {
		return nil, err
	}
	contents = make([]similarity.Content, f.rows)
	for i := range contents {
		if status[i] != OK {
			continue
		}
		c := &contents[i]
		c.Hashes, c.Images = hashes[imageStart[i]:imageStart[i+1]], looks[lookStart[i]:lookStart[i+1]]
		c.Words, c.Questions = words[i], questions[questionStart[i]:questionStart[i+1]]
		if len(c.Images) != len(c.Hashes) {
			return nil, fmt.Errorf("row %d has %d images and %d signatures of images", i, len(c.Hashes), len(c.Images))
		}
	}
	return contents, nil
}

// Types of columns that contents need.
var (
	lookType  = columnType[string, similarity.Image]{takeText, similarity.ParseImage}
	wordsType = columnType[string, similarity.Signature]{takeText, similarity.ParseSignature}
	hashType  = columnType[string, uint64]{takeText, func(text string) (uint64, error) {
		return strconv.ParseUint(text, 16, 64)
	}}
)
