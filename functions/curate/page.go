package curate

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/api"
)

// A page is the requested part of a list: at most size entries after a cursor.
type page struct {
	size   int
	cursor string
}

func pageOf(r *http.Request) (page, error) {
	query := r.URL.Query()
	p := page{size: api.DefaultPageSize}
	if text := query.Get("page_size"); text != "" {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 || size > api.MaxPageSize {
			return page{}, api.NewProblem(http.StatusBadRequest,
				fmt.Sprintf("page_size: %q is not a page size; give 1 to %d", text, api.MaxPageSize))
		}
		p.size = size
	}
	token := query.Get("page_token")
	cursor, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || !utf8.Valid(cursor) {
		return page{}, api.NewProblem(http.StatusBadRequest,
			fmt.Sprintf("page_token: %q is not a token of this list; give the next_page_token of the page before, "+
				"or leave it out", token))
	}
	p.cursor = string(cursor)
	return p, nil
}

// tokenOf returns the token that requests the page after a cursor. It is empty for an empty cursor.
func tokenOf(cursor string) string { return base64.RawURLEncoding.EncodeToString([]byte(cursor)) }
