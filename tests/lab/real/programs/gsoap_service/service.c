/* An invoice service of gSOAP: it serves the PDFs of a folder, as MTOM attachments or in base 64. */
#include "soapH.h"
#include "billing.nsmap"

#include <sys/stat.h>

static const char *folder;

int b__getInvoice(struct soap *soap, char *number, struct b__getInvoiceResponse *response)
{
  char path[1024];
  size_t end;
  struct stat facts;
  FILE *file;
  const char *next;
  if (!number || strlen(folder) + 2 * strlen(number) + 8 > sizeof(path))
    return soap_sender_fault(soap, "no such invoice", NULL);
  end = sprintf(path, "%s/", folder);
  for (next = number; *next; next++)  /* in hexadecimal, any number names a file */
    end += sprintf(path + end, "%02x", (unsigned char)*next);
  strcpy(path + end, ".pdf");
  if (stat(path, &facts) || !(file = fopen(path, "rb")))
    return soap_sender_fault(soap, "no such invoice", NULL);
  response->number = number;
  response->pdf.xop__Include.__size = (int)facts.st_size;
  response->pdf.xop__Include.__ptr = soap_malloc(soap, facts.st_size);
  if (soap->omode & SOAP_ENC_MTOM)
    response->pdf.xop__Include.type = "application/pdf";
  if (fread(response->pdf.xop__Include.__ptr, 1, facts.st_size, file) != (size_t)facts.st_size)
    return soap_receiver_fault(soap, "the file can't be read", NULL);
  fclose(file);
  return SOAP_OK;
}

int main(int count, char **arguments)
{
  struct soap *soap;
  struct sockaddr_in at;
  socklen_t size = sizeof(at);
  soap_mode mode = SOAP_C_UTFSTRING;
  if (count != 3)
    return 2;
  folder = arguments[1];
  if (!strcmp(arguments[2], "mtom"))
    mode |= SOAP_ENC_MTOM;
  soap = soap_new1(mode);
  soap->send_timeout = soap->recv_timeout = 10;
  soap->bind_flags = SO_REUSEADDR;
  if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", 0, 10)))
    return 1;
  getsockname(soap->master, (struct sockaddr *)&at, &size);
  printf("{\"port\": %d}\n", ntohs(at.sin_port));
  fflush(stdout);
  while (soap_valid_socket(soap_accept(soap)))
  {
    soap_serve(soap);
    soap_destroy(soap);
    soap_end(soap);
  }
  return 0;
}
