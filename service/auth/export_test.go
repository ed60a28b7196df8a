package auth

// HashPassword, Verify and ParseHash are tested by themselves.
var (
	HashPassword = hashPassword
	Verify       = verify
)

// ParseHash reports whether a stored hash is one of ours.
func ParseHash(hash string) bool {
	_, _, _, err := parseHash(hash)
	return err == nil
}
