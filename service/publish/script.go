package publish

// putScript writes a value unless Redis has a newer one. Which one is newer is
// decided as everywhere in wxsign: a held value is newer only if neither its
// version nor its instant is behind. A version alone goes back when the database
// is restored from a backup, an instant alone when its clock is set back.
//
// KEYS: the value's, the stamp's. ARGV: value, version, issued (ms), publish id,
// end (Unix ms by Redis's clock), life left (ms).
const putScript = `
local value = redis.call('GET', KEYS[1])
local held = redis.call('GET', KEYS[2])
if held then
  local version, issued, publish = string.match(held, '^(%d+) (%d+) (%S+)$')
  if publish and publish ~= ARGV[4] and tonumber(version) >= tonumber(ARGV[2]) and tonumber(issued) > tonumber(ARGV[3]) then
    return 'newer'
  end
end
local stamp = ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4]
if held == stamp and value == ARGV[1] and math.abs(redis.call('PTTL', KEYS[1]) - tonumber(ARGV[6])) < 2000 then
  return 'same'
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
redis.call('SET', KEYS[2], stamp)
redis.call('PEXPIREAT', KEYS[2], ARGV[5])
return 'written'
`

// dropScript removes a value that wxsign has written: where there is no stamp it
// is another program's. ARGV: the publish id that must be held, or nothing for any.
const dropScript = `
local held = redis.call('GET', KEYS[2])
if not held or ARGV[1] ~= '' and string.match(held, '%S+$') ~= ARGV[1] then
  return 'kept'
end
redis.call('DEL', KEYS[1], KEYS[2])
return 'removed'
`
