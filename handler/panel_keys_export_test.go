package handler

// KeyFault words a refused draft as the page of a language does.
func KeyFault(language string, err error) (string, error) {
	words, readErr := readWords(language)
	return panelText{name: language, words: words}.keyFault(err), readErr
}
