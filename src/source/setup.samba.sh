# The account that Lockstep reads with. Run as root on a Samba domain controller; asks for the new account's password.
samba-tool user create "$ACCOUNT" --description='Lockstep, reads only'
samba-tool user setexpiry "$ACCOUNT" --noexpiry
SID=$(samba-tool user show "$ACCOUNT" --attributes=objectSid | sed -n 's/^objectSid: //p')
# the right to ask for changes (DirSync): Replicating Directory Changes, without passwords
samba-tool dsacl set --objectdn="$BASE" --sddl="(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;$SID)"
# the right to see what was deleted; samba-tool cannot show that container, the ldb tools can
SAM=$(testparm -s --parameter-name='private dir' 2>/dev/null)/sam.ldb
SD=$(ldbsearch -H "$SAM" -b "CN=Deleted Objects,$BASE" -s base --controls=show_deleted:1 --controls=sd_flags:1:4 \
	nTSecurityDescriptor | sed -e ':a' -e '$!N' -e 's/\n //' -e ta -e P -e D | sed -n 's/^nTSecurityDescriptor: //p')
printf 'dn: CN=Deleted Objects,%s\nchangetype: modify\nreplace: nTSecurityDescriptor\nnTSecurityDescriptor: %s\n' \
	"$BASE" "$SD(A;CI;RPLC;;;$SID)" | ldbmodify -H "$SAM" --controls=show_deleted:1 --controls=sd_flags:1:4
