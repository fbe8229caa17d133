package strict

import (
	"fmt"
	"strings"
)

// didYouMean is `did you mean "x"? ` for the candidate nearest to word, or
// nothing when none is near.
func didYouMean(word string, candidates []string) string {
	plain := strings.NewReplacer("_", "", "-", "")
	word = plain.Replace(strings.ToLower(cut(word, 2*maxShown)))
	best, nearest := 1+len(word)/3, ""
	for _, c := range candidates {
		if d := distance(word, plain.Replace(strings.ToLower(c))); d < best {
			best, nearest = d, c
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q? ", nearest)
}

// distance counts the bytes to insert, delete or replace (Levenshtein), two
// neighbours that changed places counting once.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			next[j+1] = min(row[j]+change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
